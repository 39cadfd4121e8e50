"""What the end of a release owes its reader besides its repos: what was not proven, what is open, how to undo it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from publisher.manifest.schema import Manifest
    from publisher.pipeline.opened import Release
    from publisher.pipeline.steps.check import Checked
    from publisher.records.facts import Fact
    from publisher.records.plans import Plan

SHOWN = 3


@dataclass(frozen=True)
class Ending:
    """What a release leaves its reader with.

    Attributes:
        proven: in one sentence.
        unproven: what the card's reader may think was shown, and was not.
        left_open: what its author may still want to do.
        undo: the command that makes `main` what it was; why there is none, where there is none.
    """

    proven: str
    unproven: tuple[str, ...]
    left_open: tuple[str, ...]
    undo: str


def ending_of(
    release: Release,
    proven: str,
    facts: Iterable[Fact],
    *,
    version: str,
    before: str | None,
    option: str,
    checked: Checked | None = None,
    plan: Plan | None = None,
) -> Ending:
    """Gather it. `version` is the label that was released, `before` the version that `main` held until then.

    `checked` and `plan` are those of this run: whoever only promotes has neither.
    """
    unproven = (
        *_unmeasured(release.manifest, facts),
        *(_unchecked(checked, release.paths.name) if checked else ()),
    )
    left_open = (
        *(_findings(checked, release) if checked else ()),
        *(_gates(release.manifest, plan) if plan else ()),
    )
    return Ending(proven, unproven, left_open, _undo(release.paths.name, version, before, option))


def ending_document(ending: Ending) -> dict[str, object]:
    """The same for programs."""
    return {
        "not_proven": list(ending.unproven),
        "open": list(ending.left_open),
        "undo": ending.undo,
    }


def _unmeasured(manifest: Manifest, facts: Iterable[Fact]) -> Iterator[str]:
    models = set(manifest.artifacts) - {"dataset"}
    if models and manifest.evaluate is None:
        yield "how good it is: the manifest asks for no evaluation"
    if models and not manifest.smoke:
        yield "what it answers: the manifest asks no smoke prompt"
    if manifest.adapter is not None and manifest.training_run == ():
        yield "how the adapter was trained: that was elsewhere, and no record of it is named"
    silent: dict[str, list[str]] = {"refused": [], "unknown": []}
    for fact in facts:
        if fact.status in silent:
            silent[fact.status].append(fact.id)
    for status, ids in silent.items():
        if ids:
            yield f"{_some(ids)}: {status}"


def _unchecked(checked: Checked, name: str) -> Iterator[str]:
    """Rules that had nothing to look with; those whose subject is not there have nothing to say."""
    skipped = (rule for report in checked.reports for rule in report.skipped if not rule.missing)
    codes = list(dict.fromkeys(rule.code for rule in skipped))
    if codes:
        yield f"what {_some(codes)} would look at: hubpub check {name} says why not"


def _findings(checked: Checked, release: Release) -> Iterator[str]:
    counts: Mapping[str, int] = checked.counts
    told = [
        f"{counts[kind]} {kind}{'s' if counts[kind] > 1 else ''}"
        for kind in ("warning", "note")
        if counts[kind]
    ]
    if told:
        codes = Counter(
            finding.code
            for report in checked.reports
            for finding in report.findings
            if str(finding.severity) in ("warning", "note")
        )
        yield f"{', '.join(told)} ({_some(list(codes))}): hubpub check {release.paths.name}"
    found = {finding.code for report in checked.reports for finding in report.findings}
    for entry in release.manifest.accept:
        if entry.code in found:
            yield f"{entry.code} is accepted: {entry.reason}"


def _gates(manifest: Manifest, plan: Plan) -> Iterator[str]:
    """The card can say what is asked of whoever wants access; to ask it is a setting of the repo."""
    if manifest.card.access is None:
        return
    ungated = [repo.ref.repo_id for repo in plan.repos if repo.seen is None or not repo.seen.gated]
    if ungated:
        yield f"nobody is asked yet for access to {_some(ungated)}: the gate is switched on in the repo's settings"


def _undo(name: str, version: str, before: str | None, option: str) -> str:
    number, revision = version.partition("+")[0], "+" in version
    if revision or before == number:
        return "git revert what changed in the card, then release again"
    if before is None:
        return "no version was there before this one; a repo is made private again in its settings"
    return f"hubpub rollback {name} {before}{option}"


def _some(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
