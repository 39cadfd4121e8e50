"""What is wrong with a row that a model is to be trained on: its turns, its texts, its pictures. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from publisher.records.facts import Json

ROLES = ("system", "user", "assistant", "tool")
_CALLS = ("tool_calls", "function_call")
# What may follow a turn; nothing stands for the beginning.
_NEXT: dict[str | None, tuple[str, ...]] = {
    None: ("system", "user"),
    "system": ("user",),
    "user": ("assistant",),
    "assistant": ("user", "tool"),
    "tool": ("tool", "assistant"),
}


def faults_of(row: Mapping[str, Json]) -> Iterator[str]:
    """Say everything that is wrong with a row under our own column names, its pictures left aside."""
    if "messages" in row and ("prompt" in row or "completion" in row):
        yield "has messages and prompt: one of them is what a model trains on"
    elif "messages" in row:
        yield from _conversation(row["messages"])
    else:
        for name in ("prompt", "completion"):
            if not isinstance(row.get(name), str):
                yield f"{name} is {_kind(row.get(name))}, not a text" if name in row else f"has no {name}"
            elif not row[name].strip():
                yield f"{name} is empty"


def images_asked(row: Mapping[str, Json]) -> int | None:
    """How many pictures the turns have a place for; None where they are plain texts, which have none."""
    messages = row.get("messages")
    parts = [
        part
        for turn in (messages if isinstance(messages, list) else ())
        if isinstance(turn, Mapping) and isinstance(turn.get("content"), list)
        for part in turn["content"]
    ]
    return sum(isinstance(part, Mapping) and part.get("type") == "image" for part in parts) if parts else None


def plain_messages(messages: Sequence[Mapping[str, Json]]) -> list[Json]:
    """Turns as role and text: of a content in parts, its texts."""
    return [{"role": turn["role"], "content": _text(turn["content"])} for turn in messages]


def _conversation(messages: Json) -> Iterator[str]:
    if not isinstance(messages, list) or not messages:
        yield f"messages is {_kind(messages)}, not a list of turns" if messages != [] else "messages is empty"
        return
    before: str | None = None
    for number, turn in enumerate(messages, start=1):
        if not isinstance(turn, Mapping):
            yield f"turn {number} is {_kind(turn)}, not a mapping of role and content"
            return
        role = turn.get("role")
        if role not in ROLES:
            yield f"turn {number} has the role {role!r}; known are {', '.join(ROLES)}"
            return
        if role not in _NEXT[before]:
            yield f"turn {number} is of the {role} {f'after the {before}' if before else 'and the first'}"
        # Its content alone would become the turn, and a model learn to answer without having called anything.
        yield from (
            f"turn {number} has {name}, which no training here reads" for name in _CALLS if turn.get(name)
        )
        yield from _content(number, turn.get("content"))
        before = role
    if before != "assistant":
        yield f"ends with the {before}: there is no answer to learn"


def _content(number: int, content: Json) -> Iterator[str]:
    if isinstance(content, list):
        if odd := [part for part in content if not _is_part(part)]:
            yield f"turn {number} holds a part that is neither text nor image: {_kind(odd[0])}"
        elif not _text(content).strip():
            yield f"turn {number} has no text"
    elif not isinstance(content, str):
        yield f"the content of turn {number} is {_kind(content)}, not a text"
    elif not content.strip():
        yield f"turn {number} is empty"


def _is_part(part: Json) -> bool:
    if not isinstance(part, Mapping):
        return False
    return part.get("type") == "image" or (part.get("type") == "text" and isinstance(part.get("text"), str))


def _text(content: Json) -> str:
    if isinstance(content, str):
        return content
    return "\n".join(part["text"] for part in content if part.get("type") == "text")


def _kind(value: Json) -> str:
    names = {
        dict: "a mapping",
        list: "a list",
        str: "a text",
        bool: "true or false",
        int: "a number",
        float: "a number",
    }
    return "missing" if value is None else names.get(type(value), type(value).__name__)
