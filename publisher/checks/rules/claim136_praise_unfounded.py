"""CLAIM136 praise-unfounded: the card claims to be better than others, and shows nothing to compare.

Why   "state of the art" without a number, a table, a link or a citation says nothing, and nobody can check it.
Fix   show the comparison: benchmark, metric, both values; or leave the claim out.

Bad
    README.md:
        # A model
        It outperforms all other models of its size. ←
Good
    README.md:
        # A model
        It outperforms its base: a loss of 1.21 against 1.93 on the held-out rows.
Good
    README.md:
        # A model
        A state-of-the-art model, see the [paper](https://arxiv.org/abs/2512.07338).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from publisher.checks.observe.claims import Claims
from publisher.checks.observe.readme import README, Readme
from publisher.checks.quoting import quote
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity

_PRAISE = re.compile(
    r"(?<![\w-])(?:state[- ]of[- ]the[- ]art|SOTA|out-?performs?|surpass(?:es|ing)|best[- ]in[- ]class|unmatched|unrivall?ed)(?![\w-])",
    re.IGNORECASE,
)
_DENIED = re.compile(
    r"\b(?:not|no|never|may|might|could|should|aims?|hop(?:e|ing)|if|does|whether|base(?:d)?|built|using|uses?|other)\b",
    re.IGNORECASE,
)
_SHOWN = re.compile(r"\d\.\d|\d ?%|\bet al\b|\[\d{1,3}\]|arxiv|doi\.org|<table|<img|!\[", re.IGNORECASE)
_LINK = re.compile(r"https?://|\]\([^)#]")


@rule(Severity.NOTE)
def praise_unfounded(claims: Claims, readme: Readme) -> Iterator[Fault]:
    """Report the first such sentence of a card that has neither number, table, picture, link nor citation."""
    if any(
        line.kind == "prose" and (_SHOWN.search(line.text) or _LINK.search(line.text))
        for line in readme.classified
    ):
        return
    passages = claims.outline.passages
    if any(passage.kind == "row" for passage in passages) or re.search(r"@\w{3,20}\{", readme.text):
        return
    for passage in passages:
        praise = _PRAISE.search(passage.text) if passage.kind in ("line", "item") else None
        if praise is not None and not _DENIED.search(passage.text[: praise.start()]):
            yield Fault(
                f"{quote(praise[0])}: and the card compares nothing",
                README,
                passage.line,
                max(passage.raw.find(praise[0]), 0) + 1,
                hint="show benchmark, metric and both values, or leave it out",
            )
            return
