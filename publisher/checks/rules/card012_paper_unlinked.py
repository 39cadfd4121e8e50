"""CARD012 paper-unlinked: the card speaks of a paper or thesis and does not link it.

Why   nobody can find it, and the Hub makes its paper tag from links only.
Fix   link arXiv, the DOI or the proceedings; where it is not published yet, say so.

Bad
    README.md:
        - **Research Paper**: Available in the thesis documentation ←
Good
    README.md:
        - **Paper**: [Aerial expressions](https://arxiv.org/abs/2512.07338)
Good
    README.md:
        - **Paper**: in review, to be published
        - **Paper:** [Needs More Information]
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from publisher.checks.observe.claims import Claims
from publisher.checks.observe.readme import README, Readme
from publisher.checks.quoting import quote
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity

_LABEL = re.compile(
    r"(?:research |original |our |technical |related )?(?:paper|thesis|publication|report)(?: \[optional\])?",
    re.IGNORECASE,
)
_LINKED = re.compile(
    r"https?://|\]\(|\barxiv\b|\bdoi\b|aclanthology|openreview|10\.\d{4}/|\d{4}\.\d{4,5}", re.IGNORECASE
)
_NOT_YET = re.compile(
    r"coming|soon|review|pending|to appear|to be |not (?:yet )?(?:published|available)|none|n[/.]?a\b|tba|tbd|forthcoming|unpublished|\[(?:needs )?more|^\W*$",
    re.IGNORECASE,
)
_PAPERS = re.compile(
    r"arxiv\.org|doi\.org|aclanthology|openreview|huggingface\.co/papers|\barxiv:|\.pdf\b", re.IGNORECASE
)


@rule(Severity.NOTE)
def paper_unlinked(claims: Claims, readme: Readme) -> Iterator[Fault]:
    """Report a labelled line without an address, in a card that links no paper at all."""
    named = [
        passage
        for passage in claims.outline.passages
        if passage.kind in ("item", "row", "line")
        and _LABEL.fullmatch(passage.label)
        and not _LINKED.search(passage.raw)
        and not _NOT_YET.search(passage.value)
    ]
    if named and _PAPERS.search(readme.text):
        return
    for passage in named:
        yield Fault(
            f"{quote(passage.label)} is named and not linked: {quote(passage.value, 60)}",
            README,
            passage.line,
            hint="link it, or say that it is not published",
        )
