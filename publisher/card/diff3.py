"""Three versions of a few lines: where two of them went different ways from the first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

Range = tuple[int, int]  # from the first line to the one behind the last


@dataclass(frozen=True)
class Hunk:
    """One place where lines are not the same everywhere.

    Attributes:
        base, ours, theirs: the same place in each version.
        changed: who left the base's lines; `both` where they did it differently, `alike` where they did the same.
    """

    base: Range
    ours: Range
    theirs: Range
    changed: Literal["ours", "theirs", "both", "alike"]


def hunks(base: Sequence[str], ours: Sequence[str], theirs: Sequence[str]) -> Iterator[Hunk]:
    """Every place that differs, in order. What lies between two of them is equal in all three.

    Changes that touch without overlapping are two hunks: lines that somebody added behind a line that somebody else
    changed have nothing to do with it.
    """
    mine, other = _changes(base, ours), _changes(base, theirs)
    my_shift = other_shift = 0
    while mine or other:
        first, last = min((*mine[:1], *other[:1]), key=lambda change: change[:2])[:2]
        my_part: list[_Change] = []
        other_part: list[_Change] = []
        while True:
            if mine and _meets(mine[0], first, last):
                taken = mine.pop(0)
                my_part.append(taken)
            elif other and _meets(other[0], first, last):
                taken = other.pop(0)
                other_part.append(taken)
            else:
                break
            first, last = min(first, taken[0]), max(last, taken[1])
        my_range, my_shift = _moved(first, last, my_shift, my_part)
        other_range, other_shift = _moved(first, last, other_shift, other_part)
        if my_part and other_part:
            alike = list(ours[slice(*my_range)]) == list(theirs[slice(*other_range)])
            yield Hunk((first, last), my_range, other_range, "alike" if alike else "both")
        else:
            yield Hunk((first, last), my_range, other_range, "ours" if my_part else "theirs")


_Change = tuple[int, int, int]  # lines of the base, from and to; how many more lines there are afterwards


def _changes(base: Sequence[str], side: Sequence[str]) -> list[_Change]:
    # Without autojunk: a card's blank lines and table rules are common, and belong where they are.
    codes = SequenceMatcher(None, base, side, autojunk=False).get_opcodes()
    return [(b1, b2, (s2 - s1) - (b2 - b1)) for code, b1, b2, s1, s2 in codes if code != "equal"]


def _meets(change: _Change, first: int, last: int) -> bool:
    start, end, _ = change
    if (start, end) == (first, last):
        return True  # the group's own first change, or the same lines on both sides
    return start < last and first < end


def _moved(first: int, last: int, shift: int, part: Sequence[_Change]) -> tuple[Range, int]:
    after = shift + sum(more for _, _, more in part)
    return (first + shift, last + after), after
