"""The comments by which an author answers for findings: `hubpub: ignore[CODE, CODE] reason`.

Behind `#` in YAML, in a card's front matter and in code; in `<!-- … -->` in Markdown. A comment speaks of its own
line; where it stands alone, of the next line that is not blank, and of the whole code block if one opens there. In a
card's front matter it speaks of what is missing there as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from publisher.checks.observe.readme import Line, Readme
from publisher.checks.observe.target import RepoView

_MARKDOWN = (".md", ".markdown")
_HASHES = (".yaml", ".yml", ".py", ".sh", ".toml")
_MAX_BYTES = 1024 * 1024

_WORDS = r"[ \t]*hubpub:[ \t]*ignore\[(?P<codes>[^\]\n]{0,200})\]"
_HASH = re.compile(rf"#{_WORDS}[ \t]*(?P<reason>[^\n]{{0,300}})")
_HTML = re.compile(rf"<!--{_WORDS}(?P<reason>[^\n]{{0,300}}?)(?:-->|$)")


@dataclass(frozen=True)
class Ignore:
    """One comment.

    Attributes:
        codes: as written, in capitals.
        reason: why; without one the comment counts for nothing.
        lines: the lines that it speaks of.
    """

    path: str
    line: int
    codes: tuple[str, ...]
    reason: str
    lines: frozenset[int]

    def answers(self, code: str, path: str, line: int | None) -> bool:
        """Whether it speaks of a finding. One about a file as a whole is answered anywhere in the file."""
        if not self.reason or path != self.path or code not in self.codes:
            return False
        return line is None or line in self.lines


@dataclass(frozen=True)
class Ignores:
    """All such comments of a repo, by path and line."""

    all: tuple[Ignore, ...]

    @classmethod
    def observe(cls, view: RepoView) -> Ignores:
        """Read the files that can hold one; whatever cannot be read holds none."""
        found: list[Ignore] = []
        for entry in view.source.entries():
            if not entry.readable or entry.size > _MAX_BYTES or not entry.path.endswith(_MARKDOWN + _HASHES):
                continue
            try:
                raw = view.source.read(entry.path)
            except OSError:
                continue
            if b"hubpub:" in raw:
                found += ignores_in(entry.path, Readme.parse(raw))
        return cls(tuple(found))

    def answering(self, code: str, path: str, line: int | None) -> Ignore | None:
        """The first comment that speaks of a finding."""
        return next((each for each in self.all if each.answers(code, path, line)), None)


def ignores_in(path: str, text: Readme) -> Iterator[Ignore]:
    """The comments of one file."""
    markdown = path.endswith(_MARKDOWN)
    lines = text.classified if markdown else [Line(n, line, "code") for n, line in enumerate(text.lines, 1)]
    for index, line in enumerate(lines):
        comment = _comment(line)
        if comment is None:
            continue
        codes = tuple(code.strip().upper() for code in comment["codes"].split(",") if code.strip())
        alone = not line.text[: comment.start()].strip()
        spoken_of = _next(lines, index) if alone else {line.number}
        if line.kind == "front matter" and text.block is not None:
            spoken_of.add(text.block.first)
        yield Ignore(path, line.number, codes, comment["reason"].strip(), frozenset(spoken_of))


def _comment(line: Line) -> re.Match[str] | None:
    if "hubpub:" not in line.text:
        return None
    return _HASH.search(line.text) if line.kind in ("front matter", "code") else _HTML.search(line.words)


def _next(lines: Sequence[Line], index: int) -> set[int]:
    """The next line that is neither blank nor such a comment, with the rest of its block where it opens one."""
    below = [line for line in lines[index + 1 :] if line.text.strip() and _comment(line) is None][:1]
    if not below:
        return set()
    first = below[0].number
    opens = below[0].kind == "code" and lines[index].kind != "code"
    end = first
    while opens and end < len(lines) and lines[end].kind == "code":
        end += 1
    return set(range(first, end + 1))
