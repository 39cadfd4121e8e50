"""Training rows from Parquet files: a prompt and its completion, or a conversation, and the pictures that are shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from publisher.errors import HubpubError

ROLES = ("system", "user", "assistant")
FORMS = (
    ("prompt", "completion"),
    ("messages",),
)  # the columns that tell a row; the first that is there is read
IMAGES = "images"


@dataclass(frozen=True)
class Turn:
    """What one side says: its words, and None where the row's next picture stands."""

    role: str
    parts: tuple[str | None, ...]

    @property
    def text(self) -> str:
        """Its words alone."""
        return "".join(part for part in self.parts if part is not None)

    @property
    def pictures(self) -> int:
        """How many pictures it shows."""
        return self.parts.count(None)


@dataclass(frozen=True)
class Row:
    """One example: a conversation whose last turn is the model's, and the pictures that it shows, as files, in order."""

    turns: tuple[Turn, ...]
    images: tuple[bytes, ...] = ()

    @classmethod
    def of(cls, prompt: str, completion: str, images: Sequence[bytes] = ()) -> Row:
        """One question and its answer; all pictures stand in front of the question's words."""
        return cls((asked(prompt, len(images)), Turn("assistant", (completion,))), tuple(images))

    @property
    def prompt(self) -> str:
        """The words of the turn before the last."""
        return self.turns[-2].text

    @property
    def completion(self) -> str:
        """The words of the last turn."""
        return self.turns[-1].text


def asked(prompt: str, pictures: int = 0) -> Turn:
    """A user's turn: so many pictures, then the words."""
    return Turn("user", (*[None] * pictures, prompt))


def read_rows(folder: str | Path, split: str) -> list[Row]:
    """All rows of `<split>-*.parquet`, in the order of file names and rows.

    Columns: `prompt` and `completion`, both text; or `messages`, a list of `role` and `content`, where content is text
    or a list of parts (`type` is `text` or `image`). Besides, or not at all: `images`, a list of files, each `{bytes,
    path}`. Where no part says where a picture stands, all stand in front of the first question.

    Raises:
        HubpubError: HP-D01, no such file or no row in it; HP-D02, a column is missing or of another type, or a row is
            no conversation: with the file, and the row from 1 on.
    """
    import pyarrow.parquet as pq

    rows: list[Row] = []
    for file in sorted(Path(folder).glob(f"{split}-*.parquet")):
        schema = pq.read_schema(file)
        form = _form(file, schema)
        named = [*form, IMAGES] if IMAGES in schema.names else list(form)
        for number, cells in enumerate(pq.read_table(file, columns=named).to_pylist(), start=1):
            try:
                rows.append(_row(cells))
            except _FaultyRowError as fault:
                raise HubpubError(
                    "HP-D02",
                    str(fault),
                    hint="correct the row or drop it, then make the dataset again",
                    where=f"{file}, row {number}",
                    row=number,
                ) from None
    if not rows:
        raise HubpubError(
            "HP-D01",
            f"the {split} split has no rows",
            hint=f"put a `{split}-*.parquet` with rows into the data folder, or make the dataset again",
            where=str(folder),
        )
    return rows


def evenly(count: int, most: int | None) -> list[int]:
    """Positions of at most so many rows, evenly over all: neighbours often show the same scene."""
    if most is None or count <= most:
        return list(range(count))
    return [at * count // most for at in range(most)]


class _FaultyRowError(Exception):
    """What is wrong with a row, in words."""


def _form(file: Path, schema: Any) -> tuple[str, ...]:
    """The columns that tell this file's rows."""
    import pyarrow as pa

    def fits(name: str) -> bool:
        kind = schema.field(name).type if name in schema.names else None
        if name == "messages":
            return kind is not None and (pa.types.is_list(kind) or pa.types.is_large_list(kind))
        return kind is not None and (pa.types.is_string(kind) or pa.types.is_large_string(kind))

    for form in FORMS:
        if all(fits(name) for name in form):
            return form
    raise HubpubError(
        "HP-D02",
        f"{file.name} has neither `prompt` and `completion` as text nor `messages` as a list; "
        f"it has {', '.join(schema.names)}",
        hint="write the columns `prompt` and `completion`, both text; or `messages`, a list of role and content",
        where=str(file),
        columns=list(schema.names),
    )


def _row(cells: Mapping[str, Any]) -> Row:
    images = tuple(_bytes(cells.get(IMAGES)))
    if "messages" in cells:
        return _conversation(cells["messages"], images)
    prompt, completion = cells["prompt"], cells["completion"]
    if not (isinstance(prompt, str) and isinstance(completion, str)):
        raise _FaultyRowError("prompt or completion is empty")
    return Row.of(prompt, completion, images)


def _bytes(images: Any) -> Iterator[bytes]:
    """The files of the pictures. Their paths are those of the machine that made the dataset, so they are not looked up."""
    images = [] if images is None else images
    if not isinstance(images, list):
        raise _FaultyRowError("`images` is no list of pictures")
    for number, image in enumerate(images, start=1):
        content = image.get("bytes") if isinstance(image, dict) else image
        if not isinstance(content, bytes) or not content:
            raise _FaultyRowError(
                f"picture {number} of {len(images)} has no bytes: the files belong into the dataset itself"
            )
        yield content


def _conversation(messages: Any, images: tuple[bytes, ...]) -> Row:
    if not messages:
        raise _FaultyRowError("`messages` is empty")
    turns = [_turn(number, message) for number, message in enumerate(messages, start=1)]
    roles = [turn.role for turn in turns]
    spoken = roles[1:] if roles[0] == "system" else roles
    if not spoken or spoken != [("user", "assistant")[at % 2] for at in range(len(spoken))]:
        raise _FaultyRowError(f"user and assistant do not take turns: {', '.join(roles)}")
    if roles[-1] != "assistant":
        raise _FaultyRowError("the last turn is not the assistant's, so there is no answer to learn")
    if any(turn.pictures for turn in turns if turn.role == "assistant"):
        raise _FaultyRowError("the assistant's turn shows a picture: only answers in words can be learnt")
    shown = sum(turn.pictures for turn in turns)
    if not shown and images:
        first = roles.index("user")
        turns[first] = Turn("user", (*[None] * len(images), *turns[first].parts))
    elif shown != len(images):
        raise _FaultyRowError(f"the conversation shows {shown} pictures, and the row has {len(images)}")
    return Row(tuple(turns), images)


def _turn(number: int, message: Any) -> Turn:
    role, content = message.get("role"), message.get("content")
    if role not in ROLES:
        raise _FaultyRowError(f"turn {number} has the role {role!r}, not one of {', '.join(ROLES)}")
    parts = (content,) if isinstance(content, str) else tuple(map(_part, content or ()))
    turn = Turn(role, parts)
    if not turn.text.strip():
        raise _FaultyRowError(f"turn {number} ({role}) has no words")
    return turn


def _part(part: Any) -> str | None:
    kind = part.get("type") if isinstance(part, dict) else None
    if kind == "image":
        return None
    if kind == "text" and isinstance(part.get("text"), str):
        return str(part["text"])
    raise _FaultyRowError(f"a part of a turn is neither text nor image: {part!r:.60}")
