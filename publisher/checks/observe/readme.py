"""A card as text: its front-matter block, and which of its lines a reader sees as prose."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from publisher.checks.observe.frontmatter import Block, Value, find_block

README = "README.md"
MAX_BYTES = 32 * 1024 * 1024
MAX_LINES = 100_000  # that are classified; the longest cards have 10,000

_LINE_END = re.compile(r"\r\n|\r|\n")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})(.*)")
_INLINE_CODE = re.compile(r"`[^`]*`")

LineKind = Literal["front matter", "prose", "code", "comment"]


@dataclass(frozen=True)
class Line:
    """One line of a card; `number` counts from 1, in the file."""

    number: int
    text: str
    kind: LineKind

    @property
    def words(self) -> str:
        """The line with what stands in backticks blanked out, so that columns stay."""
        return (
            _INLINE_CODE.sub(lambda code: " " * len(code[0]), self.text)
            if self.kind == "prose"
            else self.text
        )


@dataclass(frozen=True)
class Readme:
    """A card's text. `undecodable` is the first line with bytes that are no UTF-8."""

    text: str
    undecodable: int | None = None

    @classmethod
    def parse(cls, raw: bytes) -> Readme:
        """Decode as the Hub does: UTF-8, a byte-order mark dropped."""
        try:
            return cls(raw.decode("utf-8-sig"))
        except UnicodeDecodeError as error:
            return cls(raw.decode("utf-8-sig", "replace"), raw.count(b"\n", 0, error.start) + 1)

    @cached_property
    def lines(self) -> tuple[str, ...]:
        """All lines, without their ends."""
        return tuple(_LINE_END.split(self.text))

    @cached_property
    def block(self) -> Block | None:
        """The front matter; None where the card does not begin with one."""
        return find_block(self.lines)

    @cached_property
    def classified(self) -> tuple[Line, ...]:
        """The first `MAX_LINES` lines with what they are. An HTML comment counts as one where it fills its lines."""
        found: list[Line] = []
        body = self.block.last if self.block is not None and self.block.last is not None else 0
        fence: str | None = None
        comment = False
        for number, text in enumerate(self.lines[:MAX_LINES], start=1):
            kind: LineKind = "prose"
            mark = _FENCE.match(text)
            if number <= body:
                kind = "front matter"
            elif fence is not None:
                kind = "code"
                if mark and mark[1].startswith(fence) and not mark[2].strip():
                    fence = None
            elif comment or text.lstrip().startswith("<!--"):
                kind = "comment"
                comment = "-->" not in text
            elif mark and not (mark[1][0] == "`" and "`" in mark[2]):
                kind, fence = "code", mark[1]
            found.append(Line(number, text, kind))
        return tuple(found)


@dataclass(frozen=True)
class Metadata:
    """A card's front matter as a mapping with places; empty where the card has none."""

    top: Value
    first_line: int  # where the block begins, or would

    def get(self, key: str) -> Value | None:
        """The value under a top-level key; None where the key is missing or its value is empty."""
        value = self.members.get(key)
        return None if value is None or value.data in (None, "", [], {}) else value

    @property
    def members(self) -> dict[str, Value]:
        """All top-level keys with their values."""
        return dict(self.top.items) if isinstance(self.top.items, dict) else {}

    def line_of(self, key: str) -> int:
        """The line of a key; where it is missing, the line that the front matter begins in."""
        value = self.members.get(key)
        return self.first_line if value is None or value.key_line is None else value.key_line

    def texts(self, key: str) -> tuple[Value, ...]:
        """The values under a key that may hold one text or a list of them; what is no text is left out."""
        value = self.get(key)
        if value is None:
            return ()
        candidates = value.items if isinstance(value.items, tuple) and value.items else (value,)
        return tuple(item for item in candidates if isinstance(item.data, str))
