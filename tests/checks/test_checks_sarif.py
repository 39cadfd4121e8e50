"""SARIF 2.1.0, held against the parts of its schema that a run of ours uses and against what code scanning asks for."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from publisher.checks.lines import Lines
from publisher.checks.registry import all_rules
from publisher.checks.run import check_folder
from publisher.checks.sarif import Part, to_sarif
from publisher.checks.source import FolderSource
from publisher.records.findings import Finding, Report, Severity, SkippedRule

# What the standard's schema requires of the objects that we write, and which of their members it knows
# (sarif-schema-2.1.0.json: every object has additionalProperties: false).
REQUIRED: dict[str, set[str]] = {
    "log": {"version", "runs"}, "run": {"tool"}, "tool": {"driver"}, "driver": {"name"}, "rule": {"id"},
    "result": {"message"}, "invocation": {"executionSuccessful"}, "notification": {"message"},
    "location": set(), "physicalLocation": {"artifactLocation"}, "artifactLocation": {"uri"},
    "region": {"startLine"}, "message": {"text"},
}  # fmt: skip
KNOWN: dict[str, set[str]] = {
    "log": {"$schema", "version", "runs"},
    "run": {"tool", "columnKind", "invocations", "results"},
    "tool": {"driver"},
    "driver": {"name", "version", "rules"},
    "rule": {"id", "name", "shortDescription", "fullDescription", "help", "defaultConfiguration", "properties"},
    "result": {
        "ruleId", "ruleIndex", "level", "message", "locations", "partialFingerprints", "baselineState", "properties",
    },
    "invocation": {"executionSuccessful", "toolExecutionNotifications"},
    "notification": {"level", "message"},
    "location": {"physicalLocation"},
    "physicalLocation": {"artifactLocation", "region"},
    "artifactLocation": {"uri", "uriBaseId"},
    "region": {"startLine", "startColumn", "endColumn", "snippet"},
    "message": {"text", "markdown"},
}  # fmt: skip


def objects(document: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every object of a document with its kind."""
    yield "log", document
    for run in document["runs"]:
        yield "run", run
        yield "tool", run["tool"]
        yield "driver", run["tool"]["driver"]
        for rule in run["tool"]["driver"]["rules"]:
            yield "rule", rule
            yield from (("message", rule[key]) for key in ("shortDescription", "fullDescription", "help"))
        for invocation in run["invocations"]:
            yield "invocation", invocation
            for notification in invocation["toolExecutionNotifications"]:
                yield "notification", notification
                yield "message", notification["message"]
        for result in run["results"]:
            yield "result", result
            yield "message", result["message"]
            for location in result["locations"]:
                place = location["physicalLocation"]
                yield "location", location
                yield "physicalLocation", place
                yield "artifactLocation", place["artifactLocation"]
                yield "region", place["region"]


FINDING = Finding("CARD005", Severity.WARNING, "placeholder `X`", "README.md", 2, 3, "write it")
FILE = Finding("SEC080", Severity.ERROR, "a pickle", "a b.pkl")


def document(
    folder: Path, *findings: Finding, skipped: tuple[SkippedRule, ...] = (), baseline: bool = False
) -> Any:
    (folder / "README.md").write_text("# A\n- X is here\n", "utf-8")
    part = Part(Report("here", findings, skipped), Lines(FolderSource(folder)), "models/x/{}".format)
    return to_sarif([part], "1.2.3", baseline=baseline)


def test_every_object_has_what_the_schema_requires_and_nothing_that_it_does_not_know(tmp_path: Path) -> None:
    """Code scanning refuses a whole file for one of either."""
    skipped = (SkippedRule("WGT042", "no shard index"),)
    log = document(tmp_path, FINDING, FILE, skipped=skipped, baseline=True)
    kinds = set()
    for kind, found in objects(log):
        kinds.add(kind)
        assert REQUIRED[kind] <= set(found) <= KNOWN[kind], kind

    assert set(KNOWN) == kinds
    assert "2.1.0" == log["version"]
    assert ("hubpub", "1.2.3") == tuple(log["runs"][0]["tool"]["driver"][key] for key in ("name", "version"))


def test_a_finding_stands_at_its_place_in_the_users_repository_with_its_rule(tmp_path: Path) -> None:
    """An annotation at the wrong line is worse than none."""
    run = document(tmp_path, FILE, FINDING)["runs"][0]
    result = run["results"][1]

    assert ["CARD005", "SEC080"] == [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert ("CARD005", 0, "warning", "placeholder `X`\nwrite it") == (
        result["ruleId"], result["ruleIndex"], result["level"], result["message"]["text"],
    )  # fmt: skip
    assert {
        "artifactLocation": {"uri": "models/x/README.md", "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": 2, "startColumn": 3, "endColumn": 12, "snippet": {"text": "- X is here"}},
    } == result["locations"][0]["physicalLocation"]
    assert "unicodeCodePoints" == run["columnKind"], "columns count characters"


def test_what_is_about_a_file_stands_in_its_first_line_and_names_are_encoded(tmp_path: Path) -> None:
    """GitHub shows nothing that has no line; a blank is none of a URI's characters."""
    result = document(tmp_path, FILE)["runs"][0]["results"][0]

    assert {
        "artifactLocation": {"uri": "models/x/a%20b.pkl", "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": 1},
    } == result["locations"][0]["physicalLocation"]


def test_a_rules_help_is_its_page(tmp_path: Path) -> None:
    """The reader of an alert has no terminal."""
    rule = document(tmp_path, FINDING)["runs"][0]["tool"]["driver"]["rules"][0]
    page = next(rule.page for rule in all_rules() if rule.code == "CARD005")

    assert page.sentence == rule["shortDescription"]["text"]
    assert f"Why: {page.why}\n\nFix: {page.fix}" == rule["help"]["text"]
    assert page.samples[0].text in rule["help"]["markdown"]


@pytest.mark.parametrize("rule", all_rules(), ids=lambda rule: rule.code)
def test_every_rule_can_be_written(tmp_path: Path, rule: Any) -> None:
    """Levels are the three that SARIF has of ours, names are words, texts are short enough for GitHub."""
    severity = Severity.NOTE
    driver = document(tmp_path, Finding(rule.code, severity, "x", "README.md"))["runs"][0]["tool"]["driver"]
    written = driver["rules"][0]

    assert re.fullmatch(r"[A-Za-z0-9]{1,255}", written["name"])
    assert written["defaultConfiguration"]["level"] in ("error", "warning", "note")
    assert len(written["shortDescription"]["text"]) <= 1024
    assert ("security" in written["properties"]["tags"]) == rule.code.startswith("SEC")


def test_a_finding_is_the_same_when_its_line_moves_and_another_when_it_changes(tmp_path: Path) -> None:
    """Else an alert that somebody has closed comes back with the next blank line."""

    def fingerprints(card: str) -> list[str]:
        (tmp_path / "README.md").write_text(card, "utf-8")
        report = check_folder(tmp_path, select=["CARD005"])
        part = Part(report, Lines(FolderSource(tmp_path)), str)
        results = to_sarif([part], "1")["runs"][0]["results"]
        return [result["partialFingerprints"]["hubpub/v1"] for result in results]

    before = fingerprints("# A\n[More Information Needed]\n")

    assert 1 == len(before)
    assert before == fingerprints("# A\n\nmore\n\n[More Information Needed]\n")
    assert before != fingerprints("# A\nHow: [More Information Needed]\n")


def test_what_was_not_looked_at_is_in_the_run(tmp_path: Path) -> None:
    """A run without results must not look like a clean one."""
    skipped = (SkippedRule("WGT042", "no index"), SkippedRule("WGT043", "no index"))
    run = document(tmp_path, skipped=skipped)["runs"][0]

    assert [] == run["results"]
    assert ["not checked by WGT042, WGT043: here: no index"] == [
        each["message"]["text"] for each in run["invocations"][0]["toolExecutionNotifications"]
    ]


def test_with_a_baseline_what_is_left_is_new(tmp_path: Path) -> None:
    """All results have a state or none, says the standard."""
    new, plain = document(tmp_path, FINDING, FILE, baseline=True), document(tmp_path, FINDING)

    assert ["new", "new"] == [result["baselineState"] for result in new["runs"][0]["results"]]
    assert "baselineState" not in json.dumps(plain)
