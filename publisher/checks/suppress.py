"""Findings that a card's author took on knowingly, in the card itself.

`# hubpub: ignore[META011] reason` in the front matter, `<!-- hubpub: ignore[CARD005] reason -->` below it: for the
line that the comment stands in, or the next one where it stands alone. Without a reason it counts for nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from publisher.checks.observe.readme import README, Readme
from publisher.records.findings import Finding, SkippedRule

_COMMENT = re.compile(
    r"(?:#|<!--)[ \t]*hubpub:[ \t]*ignore\[([A-Z0-9, ]{1,200})\][ \t]*([^\s>-][^\n]{0,300}?)[ \t]*(?:-->.*)?$"
)


@dataclass(frozen=True)
class Suppression:
    """One comment: the codes, the line that it speaks of, and why."""

    codes: frozenset[str]
    line: int
    reason: str


def suppressions(readme: Readme) -> tuple[Suppression, ...]:
    """All such comments of a card."""
    found = []
    for number, line in enumerate(readme.lines, start=1):
        comment = _COMMENT.search(line) if "hubpub:" in line else None
        if comment is not None:
            codes = frozenset(code.strip() for code in comment[1].split(","))
            alone = not line[: comment.start()].strip()
            found.append(Suppression(codes, number + 1 if alone else number, comment[2]))
    return tuple(found)


def split(findings: list[Finding], readme: Readme | None) -> tuple[list[Finding], list[SkippedRule]]:
    """The findings that stand, and those that the card's author answered for, as skipped with his reason."""
    reasons = {
        (code, suppression.line): suppression.reason
        for suppression in (suppressions(readme) if readme is not None else ())
        for code in suppression.codes
    }
    stand: list[Finding] = []
    answered: list[SkippedRule] = []
    for finding in findings:
        reason = reasons.get((finding.code, finding.line or 0)) if finding.path == README else None
        if reason is None:
            stand.append(finding)
        else:
            answered.append(
                SkippedRule(finding.code, f"{README}:{finding.line} ignored by its author: {reason}")
            )
    return stand, answered
