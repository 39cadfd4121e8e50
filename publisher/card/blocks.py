"""A hand-written body cut into sections with their places, and these into blocks: items, tables, code, text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from publisher.card.headings import Place, place_of, section_name
from publisher.card.markdown import Line, lines

ITEM = re.compile(r"(?P<lead>\s*(?:[-*+•]|\d{1,3}[.)])\s+)(?P<text>.*)", re.DOTALL)


@dataclass(frozen=True)
class Part:
    """A heading with the lines under it up to the next one; `inherited`: it goes where the heading above it goes."""

    title: str
    first: int
    lines: tuple[Line, ...]
    place: Place
    inherited: bool


@dataclass(frozen=True)
class Block:
    """Lines that belong together."""

    kind: str  # blank, code, table, item, text
    first: int  # line of the body, from 0
    lines: tuple[Line, ...]

    @property
    def text(self) -> str:
        """All lines as one string."""
        return "".join(line.text for line in self.lines)


def parts_of(body: str) -> Iterator[Part]:
    """Cut a body at its headings. Below what hubpub writes, a section that it does not write is the author's own."""
    above: list[tuple[int, Place]] = []
    title, first, place, inherited = "", 0, Place("summary"), False
    held: list[Line] = []
    for number, line in enumerate(lines(body)):
        if not line.level:
            held.append(line)
            continue
        yield Part(title, first, tuple(held), place, inherited)
        above = [one for one in above if one[0] < line.level]
        title, first, held = line.title, number + 1, []
        own = Place("summary") if line.level == 1 and not above else place_of(title)
        parent = above[-1][1] if above and above[-1][0] > 1 else None
        inherited = own is None and parent is not None and not parent.written_by_us
        place = own or (parent if inherited and parent else Place(section_name(title)))
        above.append((line.level, place))
    yield Part(title, first, tuple(held), place, inherited)


def blocks_of(part: Part) -> Iterator[Block]:
    """Cut a part into blocks; each list item is one, with the lines that go on with it."""
    held: list[Line] = []
    kind, first = "", part.first
    for number, line in enumerate(part.lines, start=part.first):
        now = _kind(line, kind)
        starts = now != kind or now == "blank" or (now == "item" and ITEM.match(line.text) is not None)
        if kind == "code" and now == "code":
            starts = line.is_fence and bool(held) and _closed(held)
        if starts and held:
            yield Block(kind, first, tuple(held))
        if starts:
            held, first = [], number
        held.append(line)
        kind = now
    if held:
        yield Block(kind, first, tuple(held))


def _kind(line: Line, before: str) -> str:
    if line.in_fence:
        return "code"
    if not line.text.strip():
        return "blank"
    if line.text.lstrip().startswith("|"):
        return "table"
    return "item" if ITEM.match(line.text) or before == "item" else "text"


def _closed(held: Sequence[Line]) -> bool:
    return len(held) > 1 and held[-1].is_fence
