"""check: read what will be published, rule by rule; an error stops the release unless it is accepted by name."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from publisher.checks.observe.itself import Itself
from publisher.checks.observe.target import RepoView
from publisher.checks.registry import choose
from publisher.checks.run import check_view
from publisher.checks.source import FolderSource
from publisher.errors import HubpubError
from publisher.hub.port import Hub
from publisher.manifest.project import ReleasePaths
from publisher.manifest.schema import AcceptSettings
from publisher.pipeline.tables import table_reader
from publisher.records.artifacts import KINDS
from publisher.records.findings import Finding, Report, Severity
from publisher.records.runs import Cards, Identity
from publisher.records.stand_in import RULE

Accepted = tuple[AcceptSettings, ...]


@dataclass(frozen=True)
class Checked:
    """The reports of all artifacts; what is accepted is in them still."""

    reports: tuple[Report, ...]

    @property
    def digest(self) -> str:
        """Nothing depends on it: a check that failed stops the run."""
        return "checked"

    @property
    def counts(self) -> dict[str, int]:
        """Findings by severity over all artifacts."""
        return {str(s): sum(report.summary[str(s)] for report in self.reports) for s in Severity}


def check(paths: ReleasePaths, hub: Hub, accepted: Accepted, identity: Identity, cards: Cards) -> Checked:
    """Check every artifact's folder as it will be pushed, its README as rendered: others' edits are no fault of ours.

    Only a rehearsal, to a Hub on this machine, may hold a stand-in.

    Raises:
        HubpubError: HP-K01 with every finding of severity error that the manifest does not accept.
    """
    kinds = [kind for kind in KINDS if kind in identity.refs and kind in cards.files]
    rehearsing = paths.stand_in and hub.on_this_machine
    rules = choose(ignore=(RULE,) if rehearsing else ())
    reports = tuple(
        check_view(
            RepoView(
                FolderSource(paths.artifact(kind), paths.card(kind)),
                Itself(identity.refs[kind].repo_id),
                table_reader(),
            ),
            rules,
            identity.refs[kind].repo_id,
        )
        for kind in kinds
    )
    errors = [
        (report.target, finding) for report in reports for finding in _errors(report.findings, accepted)
    ]
    if errors:
        problems = [
            HubpubError(
                "HP-K01",
                f"{finding.code} {finding.message}",
                where=f"{target}/{finding.path}" + (f":{finding.line}" if finding.line else ""),
                hint=finding.hint or f"hubpub check --explain {finding.code}",
                finding=finding.code,
            )
            for target, finding in errors
        ]
        problems[0].data["all"] = problems
        raise problems[0]
    return Checked(reports)


def _errors(findings: Iterable[Finding], accepted: Accepted) -> list[Finding]:
    codes = {entry.code for entry in accepted}
    return [f for f in findings if f.severity is Severity.ERROR and f.code not in codes]
