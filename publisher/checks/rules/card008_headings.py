"""CARD008 headings: a heading is shown as text, or a level is left out.

Why   `##Usage` without a blank is no heading: it has no place in the table of contents and no anchor. Where a level is
      skipped, readers and screen readers look for a section that is not there.
Fix   put a blank behind the marks; go down one level at a time.

Bad
    README.md:
        # A model

        ##Usage ←
        Load it.
Bad
    README.md:
        # A model

        ## Training

        #### Data ←
        400 scenes.
Good
    README.md:
        ## Usage
        Load it.

        # A model
        ### Data
        #hashtag
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from publisher.checks.observe.claims import Claims
from publisher.checks.observe.readme import README, Readme
from publisher.checks.quoting import quote
from publisher.checks.rule import Edit, Fault, rule
from publisher.records.findings import Severity

_NO_BLANK = re.compile(r" {0,3}(#{2,6})(?=[^\W\d_]|\*\*)")
_MOST = 5


@rule(Severity.NOTE, fixable=True)
def headings(readme: Readme, claims: Claims) -> Iterator[Fault]:
    """Levels count from the second on: many cards begin below the first, or change to a deeper style once."""
    stuck = [
        (line, mark)
        for line in readme.classified
        if line.kind == "prose" and (mark := _NO_BLANK.match(line.text))
    ]
    edits = [Edit(README, line.number, f"{mark[1]} ", mark.start(1) + 1, mark[1]) for line, mark in stuck]
    for index, (line, mark) in enumerate(stuck[:_MOST], start=1):
        yield Fault(
            f"{quote(line.text.strip(), 60)} is no heading: there is no blank after {mark[1]}",
            README,
            line.number,
            mark.start(1) + 1,
            hint=f"write {mark[1]} and a blank",
            edit=replace(edits[index - 1], more=tuple(edits[_MOST:]) if index == _MOST else ()),
        )
    for section in claims.outline.sections if not stuck else ():
        parent = section.parent
        if parent is not None and parent.level > 1 and section.level > parent.level + 1:
            yield Fault(
                f"{quote(section.title, 60)} is on level {section.level}, the heading above it on level {parent.level}",
                README,
                section.line,
                hint=f"write {'#' * (parent.level + 1)}",
            )
            return
