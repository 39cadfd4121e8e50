"""Edits that others made of a README on the Hub, as people read them: both sides where ours stands."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from publisher.records.plans import Edit

SHOWN = 90  # characters of a side


def edit_lines(edits: Iterable[Edit]) -> list[str]:
    """One line an edit, and one a side where ours took the place of theirs."""
    return [line for edit in edits for line in _lines(edit)]


def sides(ours: str, theirs: str) -> list[str]:
    """Both sides, each on a line."""
    return [f"  ours:   {_short(ours)}", f"  theirs: {_short(theirs)}"]


def _lines(edit: Edit) -> list[str]:
    if edit.kept:
        return [f"kept: {_short(edit.place)}, {edit.why}: {_short(edit.theirs)}"]
    return [f"not kept: {_short(edit.place)}, {edit.why}", *sides(edit.ours, edit.theirs)]


def _short(text: str) -> str:
    from publisher.checks.quoting import clean

    return clean(" ".join(text.split()), SHOWN) or "nothing"
