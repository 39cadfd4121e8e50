"""A card's body, merged three ways: section by section, and inside of ours line by line."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from publisher.card.diff3 import Hunk, hunks
from publisher.card.pairing import LONGEST, paired
from publisher.card.readme import Readme
from publisher.card.sections import Section, code_of, sections
from publisher.card.trace import Region, Rendered
from publisher.records.plans import Edit

_Key = tuple[str, ...]

NO_PART = "in a section that is no part of the card any more"


@dataclass(frozen=True)
class ProseEdit:
    """An author's words inside a card: as rendered, and as they are with what others changed in them."""

    region: Region
    before: str
    after: str


@dataclass(frozen=True)
class _Change:
    """Lines of our text, from and to, that others have changed, and theirs."""

    first: int
    last: int
    theirs: tuple[str, ...]
    why: str
    kept: bool


class Body:
    """The body, section by section. What became of the edits is gathered while it is merged."""

    def __init__(self, ours: Rendered, read_base: Readme, read_ours: Readme, read_theirs: Readme) -> None:
        self.edits: list[Edit] = []
        self._ours = ours
        self._our_lines = ours.text.split("\n")
        self._offset = read_ours.body_line - 1
        self._facts = _facts_by_line(ours)
        self._regions = tuple(_regions(ours))
        self._changes: list[_Change] = []
        base, mine = sections(read_base.body), sections(read_ours.body)
        theirs = sections(read_theirs.body)
        if read_theirs.yaml is None or read_theirs.fault:
            theirs[0] = replace(base[0], gap=theirs[0].gap)  # what is above may be a torn front matter
        theirs = paired(base, theirs)
        self._base, self._mine, self._theirs = (
            {section.key: section for section in side} for side in (base, mine, theirs)
        )

    def merged(self) -> list[tuple[Sequence[str], int | None]]:
        """Lines of each section, and the blank ones behind it."""
        gone = self._base.keys() - self._mine.keys()
        self._note_dropped(gone)
        keys = dict.fromkeys([*self._mine, *(key for key in self._theirs if key not in gone)])
        pieces = {key: piece for key in keys if (piece := self._piece(key)) is not None}
        return [pieces[key] for key in self._order(pieces.keys())]

    def prose(self) -> tuple[ProseEdit, ...]:
        """The author's words that others changed."""
        found = []
        for region, first, last in self._regions:
            inside = [c for c in self._changes if c.kept and first <= c.first and c.last <= last]
            if inside:
                after: list[str] = []
                at = first
                for change in inside:
                    after += [*self._our_lines[at : change.first], *change.theirs]
                    at = change.last
                after += self._our_lines[at:last]
                before = "\n".join(self._our_lines[first:last])
                found.append(ProseEdit(region, before, "\n".join(after)))
        return tuple(found)

    def _order(self, keys: Collection[_Key]) -> list[_Key]:
        """Theirs, unless we have reordered or put one of ours back; the rest behind what it stood behind."""
        mine, theirs = ([s for k, s in side.items() if k in keys] for side in (self._mine, self._theirs))
        before = [key for key in self._base if key in keys]
        reordered = before != [section.key for section in mine if section.key in self._base]
        restored = any(key not in self._theirs for key in before)
        lead, other = (mine, theirs) if reordered or restored else (theirs, mine)
        as_before = [key for key in before if key in self._theirs]
        if lead is mine and as_before != [section.key for section in theirs if section.key in self._base]:
            self.edits.append(Edit("order of sections", False, "ours stands", "", ""))
        placed = [section.key for section in lead]
        levels = {section.key: section.level for section in (*lead, *other)}
        for number, section in enumerate(other):
            if section.key in placed:
                continue
            at = placed.index(other[number - 1].key) + 1 if number else 0
            while at < len(placed) and levels[placed[at]] > section.level:
                at += 1  # what stands below the one in front belongs to it
            placed.insert(at, section.key)
        return placed

    def _note_dropped(self, gone: Collection[_Key]) -> None:
        for key in self._base:
            theirs = self._theirs.get(key) if key in gone else None
            if theirs is not None and theirs.lines != self._base[key].lines:
                self._tell(theirs, False, NO_PART, "", theirs.text)

    def _piece(self, key: _Key) -> tuple[Sequence[str], int | None] | None:
        base, ours, theirs = self._base.get(key), self._mine.get(key), self._theirs.get(key)
        if ours is None:
            assert theirs is not None
            self._tell(theirs, True, "a section of theirs", "", theirs.text)
            return theirs.lines, theirs.gap
        if theirs is None:
            if base is None or not self._may_go(base, ours):
                return ours.lines, ours.gap
            return None
        if base is None:
            base = replace(ours, lines=(), blocks=(), gap=ours.gap)
        return self._lines(base, ours, theirs), theirs.gap if ours.gap == base.gap else ours.gap

    def _may_go(self, base: Section, ours: Section) -> bool:
        """Whether a section of ours that others took out stays out."""
        start = self._offset + ours.first
        stated = any(self._facts.get(n) for n in range(start, start + len(ours.lines)))
        goes = base.lines == ours.lines and not stated and not any(ours.blocks)
        why = (
            "" if goes else ", with facts or code in it" if base.lines == ours.lines else ", and changed here"
        )
        self._tell(ours, goes, f"taken out{why}", ours.text, "")
        return goes

    def _lines(self, base: Section, ours: Section, theirs: Section) -> list[str]:
        if theirs.lines in (base.lines, ours.lines):
            return list(ours.lines)
        if max(len(section.lines) for section in (base, ours, theirs)) > LONGEST:
            self._tell(ours, False, "too long to be merged", "", theirs.text)
            return list(ours.lines)
        merged: list[str] = []
        at = 0
        changes: list[_Change] = []
        for hunk in hunks(base.lines, ours.lines, theirs.lines):
            merged += ours.lines[at : hunk.ours[0]]
            at = hunk.ours[1]
            if hunk.changed in ("ours", "alike"):
                merged += ours.lines[slice(*hunk.ours)]
                continue
            for (first, last), lines in _parts(hunk, ours, theirs):
                why, kept = self._verdict(hunk, ours, first, last, lines)
                merged += lines if kept else ours.lines[first:last]
                changes.append(_Change(first, last, lines, why, kept))
        merged += ours.lines[at:]
        self._note_changes(ours, changes)
        return merged

    def _verdict(
        self, hunk: Hunk, ours: Section, first: int, last: int, lines: Sequence[str]
    ) -> tuple[str, bool]:
        if hunk.changed == "both":
            return "changed on both sides", False
        if ours.inside_code(first, last) or code_of("".join(f"{line}\n" for line in lines))[1]:
            return "code that was proven", False
        start = self._offset + ours.first
        facts = [fact for n in range(start + first, start + last) for fact in self._facts.get(n, ())]
        if not _all_said(facts, "\n".join(lines)):
            return "states a fact", False
        return "words", True

    def _note_changes(self, ours: Section, changes: Sequence[_Change]) -> None:
        start = self._offset + ours.first
        for change in _together(changes):
            placed = replace(change, first=change.first + start, last=change.last + start)
            self._changes.append(placed)
            inside = (
                r.path for r, first, last in self._regions if first <= placed.first and placed.last <= last
            )
            path = next(inside, "") if change.kept else ""
            before, after = (
                "\n".join(side) for side in (ours.lines[change.first : change.last], change.theirs)
            )
            self._tell(ours, change.kept, "prose" if path else change.why, before, after, path)

    def _tell(self, section: Section, kept: bool, why: str, ours: str, theirs: str, path: str = "") -> None:
        self.edits.append(Edit(section.heading or "above the first heading", kept, why, ours, theirs, path))


def _parts(hunk: Hunk, ours: Section, theirs: Section) -> Iterator[tuple[tuple[int, int], tuple[str, ...]]]:
    """A hunk, line by line where as many lines stand on both sides: one fact in a table is no reason to lose the rest."""
    first, last = hunk.ours
    lines = theirs.lines[slice(*hunk.theirs)]
    code = ours.inside_code(first, last) or theirs.inside_code(*hunk.theirs)
    if hunk.changed == "both" or code or len(lines) != last - first:
        yield (first, last), lines
    else:
        yield from (((first + n, first + n + 1), (line,)) for n, line in enumerate(lines))


def _together(changes: Sequence[_Change]) -> Iterator[_Change]:
    """Neighbours that the same became of are one edit."""
    waiting: _Change | None = None
    for change in changes:
        same = waiting and (waiting.last, waiting.why, waiting.kept) == (
            change.first,
            change.why,
            change.kept,
        )
        if waiting and same:
            waiting = replace(waiting, last=change.last, theirs=(*waiting.theirs, *change.theirs))
            continue
        if waiting:
            yield waiting
        waiting = change
    if waiting:
        yield waiting


def _facts_by_line(rendered: Rendered) -> Mapping[int, tuple[str, ...]]:
    """What is printed from facts, by line from 0."""
    found: dict[int, tuple[str, ...]] = {}
    for span in rendered.spans:
        if span.fact or span.stated:
            found[span.line - 1] = (*found.get(span.line - 1, ()), span.text)
    return found


def _all_said(facts: Sequence[str], text: str) -> bool:
    """Whether all of these still stand in a text, in order and as words of their own."""
    at = 0
    for fact in facts:
        before = r"(?<![\w.,])" if re.match(r"\w", fact) else ""
        after = r"(?!\w|[.,]\d)" if re.search(r"\w\Z", fact) else ""
        match = re.compile(before + re.escape(fact) + after).search(text, at)
        if match is None:
            return False
        at = match.end()
    return True


def _regions(rendered: Rendered) -> Iterator[tuple[Region, int, int]]:
    """The author's words that fill whole lines: from the first line, from 0, to the one behind the last."""
    text = rendered.text.encode()
    for region in rendered.regions:
        whole = text[: region.start].endswith(b"\n") and text[region.end : region.end + 1] == b"\n"
        if whole:
            first = region.line - 1
            yield region, first, first + text[region.start : region.end].count(b"\n") + 1
