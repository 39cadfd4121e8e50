"""A report as SARIF 2.1.0, as code scanning reads it.

Only what GitHub and other readers use (https://docs.github.com/en/code-security, "SARIF support for code scanning");
names and meanings are those of the standard (OASIS, sarif-v2.1.0).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote as percent_encode

from publisher.checks.baseline import fingerprint
from publisher.checks.lines import Lines
from publisher.checks.page import Page
from publisher.checks.quoting import clean
from publisher.checks.registry import by_code
from publisher.checks.report import Locate
from publisher.records.facts import Json
from publisher.records.findings import Finding, Report

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_FINGERPRINT = "hubpub/v1"  # GitHub's own upload action adds its hash of the line beside it
_SNIPPET_WIDTH = 400


@dataclass(frozen=True)
class Part:
    """One target of a run: what was found, in which lines, and where its files lie from the repository's root."""

    report: Report
    lines: Lines
    locate: Locate


def to_sarif(parts: Sequence[Part], version: str, *, baseline: bool = False) -> dict[str, Json]:
    """The document of `--format sarif`: one run.

    Args:
        parts: the targets.
        version: of hubpub.
        baseline: whether known findings were left out; those that are here are new then.
    """
    codes = sorted({finding.code for part in parts for finding in part.report.findings})
    run: dict[str, Json] = {
        "tool": {"driver": {"name": "hubpub", "version": version, "rules": [_rule(code) for code in codes]}},
        "columnKind": "unicodeCodePoints",
        "invocations": [{"executionSuccessful": True, "toolExecutionNotifications": _skipped(parts)}],
        "results": [
            _result(finding, part, codes.index(finding.code), baseline=baseline)
            for part in parts
            for finding in part.report.findings
        ],
    }
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(code: str) -> Json:
    rule = by_code(code)
    page = rule.page
    return {
        "id": code,
        "name": "".join(word.capitalize() for word in rule.name.split("-")),
        "shortDescription": {"text": page.sentence},
        "fullDescription": {"text": page.why},
        "help": {"text": f"Why: {page.why}\n\nFix: {page.fix}", "markdown": _markdown(page)},
        "defaultConfiguration": {"level": str(rule.severity)},
        "properties": {"tags": ["security"] if code.startswith("SEC") else ["hugging-face"]},
    }


def _markdown(page: Page) -> str:
    parts = [f"**Why:** {page.why}", f"**Fix:** {page.fix}"]
    for sample in page.samples:
        fence = "````" if "```" in sample.text else "```"
        parts.append(f"{sample.kind}:\n\n{fence}text\n{sample.text}{fence}")
    return "\n\n".join(parts)


def _result(finding: Finding, part: Part, index: int, *, baseline: bool) -> Json:
    message = f"{finding.message}\n{finding.hint}" if finding.hint else finding.message
    result: dict[str, Json] = {
        "ruleId": finding.code,
        "ruleIndex": index,
        "level": str(finding.severity),
        "message": {"text": message},
        "locations": [{"physicalLocation": _place(finding, part)}],
        "partialFingerprints": {_FINGERPRINT: fingerprint(finding, part.lines)},
        "properties": {"fixable": finding.fixable},
    }
    return result | ({"baselineState": "new"} if baseline else {})


def _place(finding: Finding, part: Part) -> Json:
    # GitHub shows nothing without a line, so what is about a whole file stands in its first.
    region: dict[str, Json] = {"startLine": finding.line or 1}
    line = part.lines.of(finding.path, finding.line)
    if finding.line and finding.column:
        region["startColumn"] = finding.column
        # the end is the line's: nearly always the whole value, and never behind the line
        region["endColumn"] = max(finding.column, len(line or "")) + 1
    if line is not None:
        region["snippet"] = {"text": clean(line, _SNIPPET_WIDTH)}
    return {"artifactLocation": _uri(clean(part.locate(finding.path))), "region": region}


def _uri(path: str) -> Json:
    encoded = percent_encode(path, safe="/:@")
    return {"uri": encoded} if "://" in path else {"uri": encoded, "uriBaseId": "%SRCROOT%"}


def _skipped(parts: Sequence[Part]) -> list[Json]:
    """What was not looked at, and why: a note for each reason."""
    codes: dict[str, list[str]] = defaultdict(list)
    for part in parts:
        for skip in part.report.skipped:
            codes[f"{part.report.target}: {skip.reason}"].append(skip.code)
    return [
        {"level": "note", "message": {"text": f"not checked by {', '.join(codes[reason])}: {reason}"}}
        for reason in codes
    ]
