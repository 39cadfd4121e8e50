"""The last lines of a release: nothing that a reader of the card may take for proven is left unsaid."""

from __future__ import annotations

from pathlib import Path

import pytest

from publisher.cli.ending import Ending, ending_of
from publisher.manifest.project import Project
from publisher.pipeline.opened import Release
from publisher.pipeline.steps.check import Checked
from publisher.records.artifacts import RepoRef
from publisher.records.facts import Fact, FileSource
from publisher.records.findings import Finding, Report, Severity, SkippedRule
from publisher.records.plans import Plan, RepoPlan, Seen

BARE = """
manifest: 1
owner: acme
base: {model: acme/base}
adapter: out
artifacts: [adapter]
"""
FULL = """
manifest: 1
owner: acme
base: {model: acme/base}
adapter: out
training_run: out
dataset: {folder: data}
artifacts: [adapter]
evaluate: {}
smoke: [{prompt: "2+3=?"}]
accept: [{code: LIC077, reason: for research alone}, {code: CARD001, reason: no longer found}]
card: {access: {heading: Who are you?}}
"""
SOURCE = FileSource("evidence/validate.json", "ab" * 32)


def ending(root: Path, manifest: str, **told: object) -> Ending:
    """The end of 1.1.0, after 1.0.0."""
    folder = root / "model_cards" / "demo"
    folder.mkdir(parents=True)
    (folder / "release.yaml").write_text(manifest)
    release = Release.open(Project(root), "demo")
    settings = {"version": "1.1.0", "before": "1.0.0", "option": " --hub local", "facts": (), **told}
    return ending_of(release, "all of it", settings.pop("facts"), **settings)


def checked(*findings: tuple[str, Severity], skipped: tuple[SkippedRule, ...] = ()) -> Checked:
    """What the linter told of one repo."""
    return Checked(
        (Report("acme/demo-lora", tuple(Finding(c, s, "so", "README.md") for c, s in findings), skipped),)
    )


def test_what_nobody_asked_for_was_not_proven(tmp_path: Path) -> None:
    """How good it is, what it answers, how it came about."""
    assert (
        "how good it is: the manifest asks for no evaluation",
        "what it answers: the manifest asks no smoke prompt",
        "how the adapter was trained: that was elsewhere, and no record of it is named",
    ) == ending(tmp_path, BARE).unproven


def test_what_was_asked_for_and_could_not_be_told_is_named(tmp_path: Path) -> None:
    """Facts without a value, and rules that had nothing to look with; what is not there needs no rule."""
    facts = [
        Fact(f"validate.{name}", None, None, status, "validate", SOURCE)
        for name, status in (("a", "unknown"), ("b", "refused"), ("c", "refused"))
    ]
    facts.append(Fact("validate.d", 1, None, "known", "validate", SOURCE))
    skipped = (SkippedRule("SNIP152", "give --run-code"), SkippedRule("DATA001", "no data", missing=True))
    found = ending(tmp_path, FULL, facts=facts, checked=checked(skipped=skipped))

    assert (
        "validate.b, validate.c: refused",
        "validate.a: unknown",
        "what SNIP152 would look at: hubpub check demo says why not",
    ) == found.unproven
    assert () == found.left_open


def test_what_was_found_and_what_was_accepted_stays_open(tmp_path: Path) -> None:
    """An accepted finding is one; what is accepted and was not found is none."""
    found = checked(("LIC077", Severity.ERROR), ("CARD007", Severity.WARNING), ("CARD007", Severity.WARNING))

    assert (
        "2 warnings (CARD007): hubpub check demo",
        "LIC077 is accepted: for research alone",
    ) == ending(tmp_path, FULL, checked=found).left_open


@pytest.mark.parametrize("gated", [False, True])
def test_a_gate_that_the_card_speaks_of_is_switched_on_by_hand(tmp_path: Path, gated: bool) -> None:
    """The front matter asks the question; the repo's setting asks it of anybody."""
    ref = RepoRef("acme/demo-lora")
    repo = RepoPlan(ref, "adapter", True, "ab" * 20, (), Seen(ref.repo_id, False, gated))
    plan = Plan("http://h", "h", "demo", "1.1.0", "1.1.0", (repo,))
    told = ending(tmp_path, FULL, plan=plan).left_open

    assert (0 if gated else 1) == len(told)
    assert gated or told[0].startswith("nobody is asked yet for access to acme/demo-lora")


@pytest.mark.parametrize(
    ("version", "before", "undo"),
    [
        ("1.1.0", "1.0.0", "hubpub rollback demo 1.0.0 --hub local"),
        ("1.0.0", None, "no version was there before this one; a repo is made private again in its settings"),
        ("1.0.0+card.1", "1.0.0", "git revert what changed in the card, then release again"),
        ("1.0.0", "1.0.0", "git revert what changed in the card, then release again"),
    ],
)
def test_the_way_back_is_a_command_where_there_is_one(
    tmp_path: Path, version: str, before: str | None, undo: str
) -> None:
    """Rolling back to the version that `main` holds would change nothing."""
    assert undo == ending(tmp_path, BARE, version=version, before=before).undo
