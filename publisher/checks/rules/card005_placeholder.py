"""CARD005 placeholder: the card still holds text that its template meant to be replaced.

Why   a reader sees an unfinished page; "[More Information Needed]" under Bias and Limitations tells him that nobody
      looked.
Fix   write what belongs there, or delete the section.

Bad
    README.md:
        ---
        license: mit
        ---
        # Model Card for Model ID ←
Bad
    README.md:
        ## Uses
        [More Information Needed] ←
Bad
    README.md:
        ```bibtex
        author={Your Name} ←
        ```
Good
    README.md:
        ## Uses
        Referring expressions in aerial images. Insert `your name` into the prompt.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from publisher.checks.observe.readme import README, Line, Readme
from publisher.checks.quoting import quote
from publisher.checks.rule import Fault, Skip, rule
from publisher.records.findings import Severity

# Sentences of the Hub's, PEFT's and TRL's templates, and what a person leaves to be filled in. In code only those
# that no program means to hold: 5 of 48 well-made cards have `<your...>` or TODO in a snippet.
_EVERYWHERE = (r"\[More Information Needed\]", r"\[Your Name\]|\bYour Name\b", r"\byour-(?:username|org)/")
_IN_PROSE = (
    r"\bModel Card for Model ID\b",
    r"\bDataset Card for Dataset Name\b",
    r"\{\{ ?[a-z_]+(?: \||\}| \})",
    r"\bTODO:",
    r"\[TODO\]",
    r"\bLorem ipsum\b",
    r"\[(?:Insert|Your) [^\]\n]{1,60}\]",
)
_CODE = re.compile("|".join(_EVERYWHERE))
_PROSE = re.compile("|".join((*_EVERYWHERE, *_IN_PROSE)))

_LONGEST = 20_000  # characters of a line; beyond them stands an embedded image, not a sentence


_MOST = 5  # findings of one placeholder: an untouched template has forty of the same


@rule(Severity.WARNING)
def placeholder(readme: Readme) -> Iterator[Fault | Skip]:
    """Report each line once, and of one placeholder's many lines the first few with a count of the rest."""
    places: dict[str, list[tuple[Line, int]]] = defaultdict(list)
    for line in readme.classified:
        if line.kind in ("front matter", "comment"):
            continue
        if len(line.text) > _LONGEST:
            yield Skip(f"{README}:{line.number}: only the first {_LONGEST:,} characters were read")
        found = (_PROSE if line.kind == "prose" else _CODE).search(line.words[:_LONGEST])
        if found is not None:
            places[found[0]].append((line, found.start() + 1))
    for text, lines in places.items():
        for index, (line, column) in enumerate(lines[:_MOST], start=1):
            yield _fault(text, line, column, more=len(lines) - _MOST if index == _MOST else 0)


def _fault(text: str, line: Line, column: int, more: int) -> Fault:
    return Fault(
        f"placeholder text {quote(text)}" + (f", and in {more} more lines" if more else ""),
        README,
        line.number,
        column,
        hint="write what belongs here, or delete the section",
        severity=None if line.kind == "prose" else Severity.NOTE,
    )
