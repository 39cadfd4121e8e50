"""CLAIM130 vague-metric: a section on performance praises, and holds no number.

Why   a reader cannot compare "improved", and nobody can check it again.
Fix   give value, unit, split and sample size, and the file that they came from; or delete the line.

Bad
    README.md:
        ## Performance
        - **Validation Perplexity**: Improved on aerial vocabulary ←
        - **Diversity**: Generates varied descriptions ←
Good
    README.md:
        ## Performance
        - **Validation Perplexity**: 7.91 before, 6.40 after (val split, n = 500)
        - **Diversity**: Improved
Good
    README.md:
        ## Evaluation
        Improved results are in the [report](report.md).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from publisher.checks.observe.claims import Claims
from publisher.checks.observe.outline import Passage
from publisher.checks.observe.readme import README
from publisher.checks.quoting import quote
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity

_SECTION = re.compile(r"\b(?:performance|metrics?|evaluations?|results?|benchmarks?)\b", re.IGNORECASE)
_PRAISE = re.compile(
    r"\b(?:improv(?:ed|es)|optimi[sz]ed|enhanced|successfully|maintains?|superior|state-of-the-art|excellent|"
    r"outstanding|outperforms?|significant(?:ly)?|impressive|remarkabl[ey]|strong performance|high accuracy)\b",
    re.IGNORECASE,
)
_EVIDENCE = re.compile(r"\d|https?://|\]\(|<img|<table", re.IGNORECASE)
_DENIES = re.compile(r"\b(?:not|no|never|should|may|might|can be|could|future|please)\b", re.IGNORECASE)
_MOST = 8


@rule(Severity.WARNING)
def vague_metric(claims: Claims) -> Iterator[Fault]:
    """Report labelled lines of an outermost such section without a digit, table, picture or link in all of it.

    Sections without any digit are common and often fine (one in five of well-made cards' has only a picture or a link).
    """
    sections: dict[int, list[Passage]] = defaultdict(list)
    for passage in claims.outline.passages:
        outermost = next(
            (
                section
                for section in reversed(passage.section.chain)
                if section.level > 1 and _SECTION.search(section.title)
            ),
            None,
        )
        if outermost is not None:
            sections[outermost.line].append(passage)
    for passages in sections.values():
        said = [passage for passage in passages if passage.kind != "heading"]
        if any(passage.kind == "row" or _EVIDENCE.search(passage.raw) for passage in said):
            continue
        items = [
            passage
            for passage in said
            if passage.label and passage.kind == "item" and not _DENIES.search(passage.value)
        ]
        if not any(_PRAISE.search(passage.value) for passage in items):
            continue
        for passage in items[:_MOST]:
            yield Fault(
                f"{quote(passage.label)} has no number: {quote(passage.value, 60)}",
                README,
                passage.line,
                hint="give value, split and sample size, or delete the line",
            )
