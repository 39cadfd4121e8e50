"""A report as JSON, as text and as GitHub annotations: plain strings; colour is the terminal's business."""

from __future__ import annotations

import dataclasses
from collections import Counter, defaultdict
from collections.abc import Sequence

from publisher.checks.observe.readme import Readme
from publisher.checks.quoting import clean
from publisher.checks.source import Source
from publisher.records.facts import Json
from publisher.records.findings import Finding, Outcome, Report, Severity, Statement

SCHEMA = "hubpub/check/1"
FRAME_WIDTH = 100  # characters of a source line that are shown
_FRAME_BYTES = 1024 * 1024  # a file that is larger is not opened again for the sake of one line

_GITHUB = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}


def to_json(report: Report) -> dict[str, Json]:
    """The document of `--format json`."""
    return {
        "schema": SCHEMA,
        "target": report.target,
        "findings": [
            dataclasses.asdict(finding) | {"severity": str(finding.severity)} for finding in report.findings
        ],
        "skipped": [dataclasses.asdict(skip) for skip in report.skipped],
        "summary": report.summary,
        "statements": [dataclasses.asdict(each) | {"status": str(each.status)} for each in report.statements],
    }


def to_text(report: Report, source: Source | None = None, *, every_statement: bool = False) -> str:
    """The report for people: each finding with its line of source, what was not checked, the statements, the count.

    Of the statements, those that do not hold are listed, or all.
    """
    parts = [_finding_text(finding, source) for finding in report.findings]
    if report.skipped:
        codes: dict[str, list[str]] = defaultdict(list)
        for skip in report.skipped:
            codes[skip.reason].append(skip.code)
        parts.append(
            "\n".join(["not checked:", *(f"  {reason}: {', '.join(codes[reason])}" for reason in codes)])
        )
    if report.statements:
        parts.append(_statements_text(report.statements, every=every_statement))
    counts = ", ".join(
        f"{count} {severity}{'' if count == 1 else 's'}"
        for severity, count in report.summary.items()
        if count
    )
    parts.append(f"{report.target}: {counts or 'nothing found'}")
    return "\n\n".join(parts) + "\n"


def _statements_text(statements: Sequence[Statement], *, every: bool) -> str:
    counts = Counter(each.status for each in statements)
    holding, failing, unknown = (counts[outcome] for outcome in Outcome)
    lines = [f"Statements: {holding} hold, {failing} do not, {unknown} cannot be recomputed"]
    for each in statements:
        if not every and each.status is not Outcome.FAILS:
            continue
        mark = {Outcome.HOLDS: "✓", Outcome.FAILS: "✗", Outcome.UNKNOWN: "–"}[each.status]
        found = f", found {clean(str(each.found), 100)}" if each.status is Outcome.FAILS else ""
        stated = clean(str(each.stated), 100)
        lines.append(f"  {mark} {each.fact}: {stated}{found} ({each.reason})")
    return "\n".join(lines)


def to_github(report: Report, folder: str = "") -> str:
    """One workflow command a finding, as GitHub Actions reads them from a log.

    Args:
        report: what was found.
        folder: where the target lies in the user's own repository, so that annotations find their file.
    """
    lines = []
    for finding in report.findings:
        path = f"{folder.rstrip('/')}/{finding.path}" if folder else finding.path
        place = [f"file={_property(clean(path))}"]
        place += [f"line={finding.line}"] if finding.line else []
        place += [f"col={finding.column}"] if finding.line and finding.column else []
        place.append(f"title={_property(finding.code)}")
        message = f"{finding.message} ({finding.hint})" if finding.hint else finding.message
        lines.append(f"::{_GITHUB[finding.severity]} {','.join(place)}::{_escape(message)}\n")
    return "".join(lines)


def _finding_text(finding: Finding, source: Source | None) -> str:
    place = ":".join(
        str(part) for part in (clean(finding.path), finding.line, finding.column) if part is not None
    )
    lines = [f"{finding.severity}[{finding.code}]: {finding.message}", f"  --> {place}"]
    line = _line(finding, source)
    if line is not None:
        number = str(finding.line)
        gutter = " " * len(number)
        lines += [f"{gutter} |", f"{number} | {line}"]
        if finding.column is not None and finding.column <= len(line):
            lines.append(f"{gutter} | {' ' * (finding.column - 1)}^")
    if finding.hint:
        lines.append(f"  hint: {finding.hint}")
    return "\n".join(lines)


def _line(finding: Finding, source: Source | None) -> str | None:
    """The line that a finding stands in, fit to be shown."""
    if source is None or finding.line is None:
        return None
    try:
        lines = Readme.parse(source.read(finding.path, limit=_FRAME_BYTES)).lines
    except (OSError, KeyError):
        return None
    if finding.line > len(lines):
        return None
    return clean(lines[finding.line - 1], FRAME_WIDTH)


def _escape(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _escape(text).replace(":", "%3A").replace(",", "%2C")
