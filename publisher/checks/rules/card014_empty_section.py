"""CARD014 empty-section: a heading has nothing below it.

Why   "Limitations" with nothing under it reads as if there were none.
Fix   write the section, or delete the heading.

Bad
    README.md:
        ## Limitations ←

        ## License
        MIT
Good
    README.md:
        ## Evaluation

        ### Results
        Perplexity 6.4.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from publisher.checks.observe.claims import Claims
from publisher.checks.observe.readme import README, Readme
from publisher.checks.quoting import quote
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity

_MOST = 5


@rule(Severity.NOTE)
def empty_section(readme: Readme, claims: Claims) -> Iterator[Fault]:
    """Report a heading that the next heading of its level, or a higher one, follows at once; titles are left alone."""
    headings = [passage for passage in claims.outline.passages if passage.kind == "heading"]
    filled = {line.number for line in readme.classified if line.kind != "front matter" and line.text.strip()}
    filled -= {heading.line for heading in headings}
    empty = [
        heading
        for heading, following in pairwise(headings)
        if following.section.level <= heading.section.level
        and heading.section.level > 1
        and heading.text
        and not any(number in filled for number in range(heading.line + 1, following.line))
    ]
    for heading in empty[:_MOST]:
        yield Fault(f"the section {quote(heading.text, 60)} is empty", README, heading.line)
