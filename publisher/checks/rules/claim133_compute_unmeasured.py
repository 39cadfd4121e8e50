"""CLAIM133 compute-unmeasured: hardware, time or emissions are announced, and there is no number.

Why   "a few hours on GPUs" cannot be repeated, costed or compared.
Fix   give device and count, hours, and grams of CO2 with how they were reckoned; or write: not measured.

Bad
    README.md:
        ## Environmental Impact
        - **Hardware Type**: High-performance GPUs ←
        - **Carbon Emitted**: Minimal ←
Good
    README.md:
        ## Environmental Impact
        - **Hardware Type**: 1 x L4
        - **Hours used**: 6
        - **Carbon Emitted**: not measured
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from publisher.checks.observe.claims import Claims
from publisher.checks.observe.readme import README
from publisher.checks.quoting import quote
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity

_SECTION = re.compile(
    r"environmental|carbon|\bCO2|compute|hardware|infrastructure|training (?:time|cost)", re.IGNORECASE
)
_LABEL = re.compile(
    r"hardware(?: type| used)?|hours used|(?:total )?(?:training|gpu|compute) (?:time|hours|duration)|"
    r"(?:carbon|CO2)(?: ?e(?:q|missions?)?)?(?: emitted| emissions?)?|(?:gpus?|accelerators?)(?: used)?|energy(?: used| consumption)?",
    re.IGNORECASE,
)
_HONEST = re.compile(
    r"\bnot\b|\bno\b|unknown|\bn/?a\b|\bnone\b|needed|\btb[ad]\b|unmeasured|undisclosed|https?://|\]\(|\bone\b|\btwo\b|\bfour\b|"
    r"\beight\b|\bsingle\b|\bcpu\b|colab|kaggle|apple|\btpu|negligible",
    re.IGNORECASE,
)
_MOST = 4


@rule(Severity.NOTE)
def compute_unmeasured(claims: Claims) -> Iterator[Fault]:
    """Labelled lines of a section on compute, without any digit, link or admission."""
    found = [
        passage
        for passage in claims.outline.passages
        if passage.kind in ("item", "row")
        and _LABEL.fullmatch(passage.label)
        and passage.value.strip(" -–—")
        and any(map(_SECTION.search, passage.section.titles))
        and not re.search(r"\d", passage.value)
        and not _HONEST.search(passage.value)
    ]
    for passage in found[:_MOST]:
        yield Fault(
            f"{quote(passage.label)} has no number: {quote(passage.value, 60)}",
            README,
            passage.line,
            hint="give the number, or write: not measured",
        )
