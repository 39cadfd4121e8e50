"""Conversations in rows: whether their roles take turns and the assistant has the last word."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Literal

COLUMNS = ("messages", "conversations", "conversation")
_ROLES = {
    "system": "system", "developer": "system", "user": "user", "human": "user", "prompter": "user",
    "assistant": "assistant", "gpt": "assistant", "model": "assistant", "chatgpt": "assistant", "bot": "assistant",
}  # fmt: skip
_TOOLS = frozenset(
    {"tool", "function", "ipython", "function_call", "observation", "tool_call", "tool_response"}
)

Flaw = Literal[
    "the assistant does not have the last word", "two turns of one role follow each other", "no turns"
]


def flaw(value: Any) -> Flaw | None:
    """What is wrong with a conversation; None where it is sound, or is none."""
    if not isinstance(value, list) or not all(isinstance(turn, dict) for turn in value):
        return None
    if not value:
        return "no turns"
    names = [turn.get("role", turn.get("from")) for turn in value]
    if not all(isinstance(name, str) for name in names):
        return None
    if any(name.casefold() in _TOOLS for name in names) or any(turn.get("tool_calls") for turn in value):
        return None  # calls, answers and words follow one another in many ways
    roles = [_ROLES.get(name.casefold()) for name in names]
    if None in roles:
        return None
    turns = [role for role in roles if role != "system"]
    if not turns or turns[-1] != "assistant":
        return "the assistant does not have the last word"
    if any(one == next_ for one, next_ in pairwise(turns)):
        return "two turns of one role follow each other"
    return None
