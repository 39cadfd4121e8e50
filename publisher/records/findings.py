"""What a check found, and what it could not look at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from publisher.records.facts import Json


class Severity(StrEnum):
    """How bad a finding is: an error stops a release, a warning does under --strict, a note never does."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True)
class Finding:
    """One fault at one place. `line` and `column` count from 1; None where a file as a whole is meant."""

    code: str
    severity: Severity
    message: str
    path: str
    line: int | None = None
    column: int | None = None
    hint: str = ""
    fixable: bool = False


@dataclass(frozen=True)
class SkippedRule:
    """A rule that could not run, and why: never silently passed. `missing`: what it is about does not exist here."""

    code: str
    reason: str
    missing: bool = False


class Outcome(StrEnum):
    """What the files say about a statement."""

    HOLDS = "holds"
    FAILS = "does not hold"
    UNKNOWN = "cannot be recomputed"


@dataclass(frozen=True)
class Statement:
    """Something that a repo says of itself, held against its own files.

    Attributes:
        fact: a fact's id, a file of the evidence, or a line of the card and what it speaks of.
        stated: what is said.
        found: what the files say; None where they do not tell.
        reason: where it was found, or why it was not.
    """

    fact: str
    stated: Json
    found: Json
    status: Outcome
    reason: str


@dataclass(frozen=True)
class Recognised:
    """What a target is, as far as its files tell.

    Attributes:
        kind: adapter, model, dataset or card.
        title: in one phrase.
        details: what there is to know of it, each with a label.
    """

    target: str
    kind: str
    title: str
    details: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Report:
    """The outcome of one check of one target. `baselined`: findings that a baseline knew, and that were left out."""

    target: str
    findings: tuple[Finding, ...]
    skipped: tuple[SkippedRule, ...] = ()
    statements: tuple[Statement, ...] = ()
    recognised: tuple[Recognised, ...] = ()
    baselined: int = 0

    @property
    def summary(self) -> dict[str, int]:
        """How many findings of each severity, zeros included."""
        counts = Counter(finding.severity for finding in self.findings)
        return {str(severity): counts[severity] for severity in Severity}


def together(reports: Sequence[Report]) -> Report:
    """Several reports as one: the paths of its findings say which target they belong to."""
    if len(reports) == 1:
        return reports[0]
    findings = tuple(
        replace(f, path=f"{report.target}/{f.path}") for report in reports for f in report.findings
    )
    skipped = tuple(
        replace(s, reason=f"{report.target}: {s.reason}") for report in reports for s in report.skipped
    )
    statements = tuple(
        replace(s, fact=f"{report.target}: {s.fact}") for report in reports for s in report.statements
    )
    return Report(
        ", ".join(report.target for report in reports),
        findings,
        skipped,
        statements,
        tuple(each for report in reports for each in report.recognised),
        sum(report.baselined for report in reports),
    )
