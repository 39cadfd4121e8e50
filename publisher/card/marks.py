"""Invisible marks: what a template prints keeps its origin until the text is finished.

A mark is one character of Unicode's supplementary private use area B (plane 16) before the text and one after it.
No font, no tokenizer and no icon set in use assigns plane 16, and input that holds such characters is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from publisher.card.view import Prose
from publisher.records.facts import Fact

FIRST = 0x100000
CLOSE = chr(0x10FFFD)
MARK = re.compile("[\U00100000-\U0010ffff]")
CAPACITY = ord(CLOSE) - FIRST


@dataclass(frozen=True)
class Because:
    """Why a piece of text may hold numbers though no fact stands behind it."""

    reason: str


Origin = Fact | Prose | Because


@dataclass(frozen=True)
class Marked:
    """A piece of the finished text, in characters, and where it came from."""

    start: int
    end: int
    origin: Origin


class BrokenMarksError(ValueError):
    """A template took a printed fact apart, so that its end or its beginning is gone."""


class Marks:
    """The origins of one rendering, in the order in which they were printed."""

    def __init__(self) -> None:
        self._origins: list[Origin] = []

    def wrap(self, origin: Origin, text: str) -> str:
        """Put marks around a text; an empty text stays empty."""
        if not text:
            return ""
        if len(self._origins) == CAPACITY:
            raise BrokenMarksError(f"a card cannot print more than {CAPACITY:,} facts")
        self._origins.append(origin)
        return f"{chr(FIRST + len(self._origins) - 1)}{text}{CLOSE}"

    def strip(self, text: str) -> tuple[str, tuple[Marked, ...]]:
        """Take the marks out again.

        Returns:
            The text as readers get it, and what was marked, by where it starts.

        Raises:
            BrokenMarksError: a mark has lost its partner.
        """
        pieces: list[str] = []
        length = 0
        open_marks: list[tuple[int, Origin]] = []
        found: list[Marked] = []
        position = 0
        for match in MARK.finditer(text):
            piece = text[position : match.start()]
            pieces.append(piece)
            length += len(piece)
            position = match.end()
            if match.group() != CLOSE:
                open_marks.append((length, self._origins[ord(match.group()) - FIRST]))
            elif open_marks:
                start, origin = open_marks.pop()
                found.append(Marked(start, length, origin))
            else:
                raise BrokenMarksError("a printed fact has lost its beginning")
        if open_marks:
            raise BrokenMarksError("a printed fact has lost its end")
        pieces.append(text[position:])
        return "".join(pieces), tuple(sorted(found, key=lambda marked: (marked.start, -marked.end)))


def unmarked(text: str) -> str:
    """A text without its marks, for looking at one line of it."""
    return MARK.sub("", text)


def nesting(text: str) -> int:
    """How many more marks a piece of text opens than it closes."""
    return sum(-1 if match.group() == CLOSE else 1 for match in MARK.finditer(text))


def balanced(text: str) -> bool:
    """Whether a piece of text holds both ends of each of its marks, so that it may be dropped whole."""
    depth = 0
    for match in MARK.finditer(text):
        depth += -1 if match.group() == CLOSE else 1
        if depth < 0:
            return False
    return depth == 0
