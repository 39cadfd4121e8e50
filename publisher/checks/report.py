"""A report as JSON and as GitHub annotations."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from publisher.checks.quoting import clean
from publisher.records.facts import Json
from publisher.records.findings import Recognised, Report, Severity

SCHEMA = "hubpub/check/1"
Locate = Callable[[str], str]  # a finding's path to where the file lies for whoever reads the report

_GITHUB = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}


def to_json(report: Report) -> dict[str, Json]:
    """The document of `--format json`."""
    return {
        "schema": SCHEMA,
        "target": report.target,
        "recognised": [_recognised(each) for each in report.recognised],
        "findings": [
            dataclasses.asdict(finding) | {"severity": str(finding.severity)} for finding in report.findings
        ],
        "skipped": [{"code": skip.code, "reason": skip.reason} for skip in report.skipped],
        "summary": report.summary,
        "baselined": report.baselined,
        "statements": [dataclasses.asdict(each) | {"status": str(each.status)} for each in report.statements],
    }


def to_github(report: Report, locate: Locate = str) -> str:
    """One workflow command a finding, as GitHub Actions reads them from a log.

    Args:
        report: what was found.
        locate: where a file lies in the user's own repository, so that annotations find it.
    """
    lines = []
    for finding in report.findings:
        place = [f"file={_property(clean(locate(finding.path)))}"]
        place += [f"line={finding.line}"] if finding.line else []
        place += [f"col={finding.column}"] if finding.line and finding.column else []
        place.append(f"title={_property(finding.code)}")
        message = f"{finding.message} ({finding.hint})" if finding.hint else finding.message
        lines.append(f"::{_GITHUB[finding.severity]} {','.join(place)}::{_escape(message)}\n")
    return "".join(lines)


def _recognised(each: Recognised) -> Json:
    return {"target": each.target, "kind": each.kind, "title": each.title, "details": dict(each.details)}


def _escape(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _escape(text).replace(":", "%3A").replace(",", "%2C")
