"""CARD004 readme-encoding: README.md is not UTF-8, or its lines end in two ways.

Why   the Hub reads cards as UTF-8. Other bytes are shown as replacement characters, and tools that edit the card
      refuse it. Lines that end in two ways make every later change of the file look larger than it is.
Fix   save the file as UTF-8: `iconv -f latin1 -t utf-8 README.md`, with one kind of line end.

Bad
    README.md (latin-1):
        # A model
        Für Luftbilder. ←
Good
    README.md:
        # A model
        Für Luftbilder.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from publisher.checks.observe.readme import README, Readme
from publisher.checks.rule import Edit, Fault, rule
from publisher.records.findings import Severity

_LINE_END = re.compile(r"\r\n|\r|\n")
_MOST = 20  # lines; a file with more is no text, and nothing that could be mended


@rule(Severity.ERROR, fixable=True)
def readme_encoding(readme: Readme) -> Iterator[Fault]:
    """Report bytes that are no UTF-8, and NUL characters; a note on line ends, where most are of the other kind."""
    if readme.undecodable is not None:
        yield Fault("README.md is not UTF-8", README, readme.undecodable, hint="save it as UTF-8")
        return
    found = [(number, text) for number, text in enumerate(readme.lines, start=1) if "\0" in text]
    for number, text in found[:_MOST]:
        start, end = text.index("\0"), text.rindex("\0") + 1
        held = text[start:end]
        yield Fault(
            "README.md holds a NUL character",
            README,
            number,
            start + 1,
            hint="save it as UTF-8, without NUL",
            edit=Edit(README, number, held.replace("\0", ""), start + 1, held)
            if len(found) <= _MOST
            else None,
        )
    ends = _LINE_END.findall(readme.text)
    if {"\r\n", "\n"} <= set(ends):
        yield _mixed(readme, ends)


def _mixed(readme: Readme, ends: list[str]) -> Fault:
    """The kind that fewer lines have is wrong; no edit where it reaches into the front matter."""
    fewer, more = sorted(("\r\n", "\n"), key=ends.count)
    lines = [number for number, end in enumerate(ends, start=1) if end == fewer]
    body = readme.block.last or len(ends) if readme.block is not None else 0
    edits = [Edit(README, number, more, len(readme.lines[number - 1]) + 1, fewer) for number in lines]
    names = {"\r\n": "Windows does (CRLF)", "\n": "Unix does (LF)"}
    return Fault(
        f"{len(lines):,} of {len(ends):,} lines end as {names[fewer]}, the others as {names[more]}",
        README,
        lines[0],
        hint="save it with one kind of line end",
        severity=Severity.NOTE,
        edit=replace(edits[0], more=tuple(edits[1:])) if lines[0] > body else None,
    )
