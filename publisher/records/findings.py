"""What a check found, and what it could not look at."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum


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
    """A rule that could not run, and why: never silently passed."""

    code: str
    reason: str


@dataclass(frozen=True)
class Report:
    """The outcome of one check of one target."""

    target: str
    findings: tuple[Finding, ...]
    skipped: tuple[SkippedRule, ...] = ()

    @property
    def summary(self) -> dict[str, int]:
        """How many findings of each severity, zeros included."""
        counts = Counter(finding.severity for finding in self.findings)
        return {str(severity): counts[severity] for severity in Severity}
