"""Which of their sections is which of ours: found again under another heading, beside its own double, or without one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from difflib import SequenceMatcher

from publisher.card.sections import Section

LONGEST = 2000  # lines that are still compared one by one
ALIKE = 0.5  # how much of a section's lines must be equal for it to be the same section
_Key = tuple[str, ...]


def paired(base: Sequence[Section], theirs: Sequence[Section]) -> list[Section]:
    """Their sections, in their order, those under the keys of ours that are ours: each key of ours once at most."""
    return list(_parted(base, _renamed(base, _told_apart(base, theirs))))


def _told_apart(base: Sequence[Section], theirs: Sequence[Section]) -> list[Section]:
    """Where a heading stands more often than in ours, ours is the section that says most of the same."""
    ours, found = _by_title(base), _by_title(theirs)
    keys: dict[int, _Key] = {}
    for title, group in found.items():
        if not 0 < len(ours[title]) < len(group):
            continue
        left = list(group)
        for section in ours[title]:
            best = max(left, key=lambda one: _shared(section, one))
            left.remove(best)
            keys[best.first] = section.key
        for number, section in enumerate(left, start=1):
            keys[section.first] = (*title, f"\ntheirs {number}")
    return [replace(section, key=keys.get(section.first, section.key)) for section in theirs]


def _renamed(base: Sequence[Section], theirs: Sequence[Section]) -> list[Section]:
    """Those that only have another heading."""
    there, known = {section.key for section in theirs}, {section.key for section in base}
    missing = [section for section in base if section.key not in there]
    found = []
    for section in theirs:
        twin = None
        if section.key not in known:
            twin = next((s for s in missing if s.level == section.level and _alike(s, section)), None)
        if twin is not None:
            missing.remove(twin)
        found.append(replace(section, key=twin.key) if twin else section)
    return found


def _parted(base: Sequence[Section], theirs: Sequence[Section]) -> Iterator[Section]:
    """A heading that became text, or went, leaves its section to the one in front: taken apart again."""
    places = {section.key: number for number, section in enumerate(base)}
    there = {section.key for section in theirs}
    for section in theirs:
        at = places.get(section.key)
        follow: list[Section] = []
        while at is not None and len(follow) + at + 1 < len(base):
            after = base[at + 1 + len(follow)]
            if after.key in there:
                break
            follow.append(after)
        yield from _apart(section, base[at], follow) if at is not None and follow else [section]


def _apart(whole: Section, front: Section, follow: Sequence[Section]) -> Iterator[Section]:
    """One section of theirs as the several of ours that it was, each with what became of its heading."""
    said: list[str] = []
    starts: list[int] = []
    for section in (front, *follow):
        starts.append(len(said))
        said += [*section.lines, *[""] * (section.gap or 0)]
    if max(len(said), len(whole.lines)) > LONGEST:
        yield whole
        return
    codes = SequenceMatcher(None, said, whole.lines, autojunk=False).get_opcodes()
    kept = {n for code, i1, i2, _, _ in codes if code == "equal" for n in range(i1, i2) if said[n].strip()}
    key, level, cut = whole.key, whole.level, 0
    for section, start in zip(follow, starts[1:], strict=True):
        words = {start + n for n, line in enumerate(section.lines) if n and line.strip()}
        at = next(j1 + min(start - i1, j2 - j1) for _, i1, i2, j1, j2 in codes if i1 <= start < i2)
        if at > cut and words and len(words & kept) / len(words) >= ALIKE:
            yield _piece(whole, key, level, cut, at)
            key, level, cut = section.key, section.level, at
    yield replace(_piece(whole, key, level, cut, len(whole.lines)), gap=whole.gap)


def _piece(whole: Section, key: _Key, level: int, first: int, end: int) -> Section:
    last = end
    while last > first and not whole.lines[last - 1].strip():
        last -= 1
    lines, blocks = whole.lines[first:last], whole.blocks[first:last]
    return Section(key, level, whole.first + first, lines, blocks, end - last)


def _by_title(found: Sequence[Section]) -> defaultdict[_Key, list[Section]]:
    """Sections by their titles, however often these stand there."""
    groups: defaultdict[_Key, list[Section]] = defaultdict(list)
    for section in found:
        groups[tuple(title for title in section.key if not title.startswith("\n"))].append(section)
    return groups


def _shared(one: Section, other: Section) -> int:
    return len({line for line in one.lines if line.strip()} & {line for line in other.lines if line.strip()})


def _alike(one: Section, other: Section) -> bool:
    a, b = ({line for line in s.lines[1:] if line.strip()} for s in (one, other))
    return a == b or (bool(a and b) and len(a & b) / max(len(a), len(b)) >= ALIKE)
