"""A card's body as its reader sees it: sections, and in them headings, list items, table rows, lines and trees."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Literal

from publisher.checks.observe.readme import MAX_LINES, README, Readme
from publisher.checks.rule import Skip

LONGEST = 20_000  # characters of a line; beyond them stands an embedded image, not a sentence

_HEADING = re.compile(r" {0,3}(#{1,6})[ \t]+(.*)")
_ITEM = re.compile(r"\s*(?:[-*+•]|\d{1,3}[.)])\s+(.*)")
_TREE = re.compile(r"^[\s│├└─┬┌┐┘┤|+`\\-]+")
_EMPHASIS = re.compile(r"\*\*|__|(?<!\w)[*_](?=\w)|(?<=\w)[*_](?!\w)|`|<[^<>]{1,100}>")
_LABEL = re.compile(r"([^:|]{1,60}?)\s*:\s+(\S.*)")
_PLAIN_BLOCKS = frozenset({"", "text", "txt", "plain", "plaintext"})

MAX_PASSAGES = 50_000  # a card that is longer is a log

Kind = Literal["heading", "item", "row", "line", "tree"]


@dataclass(frozen=True)
class Section:
    """A heading and what stands below it. The part above the first heading is a section without a title."""

    title: str
    level: int
    line: int
    parent: Section | None = None

    @property
    def titles(self) -> tuple[str, ...]:
        """This section's title and those of the sections around it, innermost first."""
        return (self.title, *(self.parent.titles if self.parent is not None else ()))

    @property
    def chain(self) -> tuple[Section, ...]:
        """This section and those around it, innermost first."""
        return (self, *(self.parent.chain if self.parent is not None else ()))


@dataclass(frozen=True)
class Passage:
    """One line of the body without its Markdown; `label` and `value` are set where it reads `label: value`."""

    kind: Kind
    text: str
    raw: str
    line: int
    section: Section
    label: str = ""
    value: str = ""


class Outline:
    """The body of a card."""

    def __init__(self, readme: Readme) -> None:
        self._readme = readme

    @cached_property
    def passages(self) -> tuple[Passage, ...]:
        """Every line that a reader sees as text, also of code blocks that name no language; none is empty."""
        return tuple(islice(self._read(), MAX_PASSAGES))

    @cached_property
    def sections(self) -> tuple[Section, ...]:
        """All sections, in their order."""
        found: dict[int, Section] = {}
        for passage in self.passages:
            found.setdefault(passage.section.line, passage.section)
        return tuple(found.values())

    @cached_property
    def unread(self) -> tuple[Skip, ...]:
        """What was not looked at."""
        lines = [line.number for line in self._readme.classified if len(line.text) > LONGEST]
        if len(self._readme.lines) > MAX_LINES:
            return (Skip(f"{README}: only the first {MAX_LINES:,} lines were read"),)
        if len(self.passages) == MAX_PASSAGES:
            return (Skip(f"{README}: only the first {MAX_PASSAGES:,} lines were read"),)
        return tuple(
            Skip(f"{README}:{number}: only the first {LONGEST:,} characters were read")
            for number in lines[:3]
        )

    def _read(self) -> Iterator[Passage]:
        section = Section("", 0, 0)
        language: str | None = None
        for line in self._readme.classified:
            text = line.text[:LONGEST]
            if line.kind == "code":
                fence = text.lstrip()
                if fence.startswith(("```", "~~~")):
                    language = fence.strip("`~ \t").lower() if language is None else None
                elif language is not None and language in _PLAIN_BLOCKS and text.strip():
                    stripped = _TREE.sub("", text).strip()
                    if stripped:
                        yield _passage("tree", stripped, text, line.number, section)
                continue
            language = None
            if line.kind != "prose" or not text.strip():
                continue
            heading = _HEADING.match(text)
            if heading is not None:
                level = len(heading[1])
                around: Section | None = section
                while around is not None and around.level >= level:
                    around = around.parent
                section = Section(plain(heading[2].strip().rstrip("#").strip()), level, line.number, around)
                yield Passage("heading", section.title, text, line.number, section)
            elif text.lstrip().startswith("|"):
                yield _row(text, line.number, section)
            else:
                item = _ITEM.match(text)
                yield _passage(
                    "item" if item else "line", item[1] if item else text.strip(), text, line.number, section
                )


def plain(text: str) -> str:
    """A text without emphasis, code marks and tags."""
    return _EMPHASIS.sub("", text).strip()


def _row(text: str, line: int, section: Section) -> Passage:
    cells = [plain(cell) for cell in text.strip().strip("|").split("|")]
    label, value = (cells[0].rstrip(":"), cells[1]) if len(cells) == 2 else ("", "")
    return Passage("row", " | ".join(cells), text, line, section, label, value)


def _passage(kind: Kind, text: str, raw: str, line: int, section: Section) -> Passage:
    bare = plain(text)
    parts = _LABEL.fullmatch(bare)
    label, value = (parts[1].strip(), parts[2]) if parts is not None else ("", "")
    return Passage(kind, bare, raw, line, section, label, value)
