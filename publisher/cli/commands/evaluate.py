"""hubpub evaluate: measure the models of a release on held-out rows, and show the numbers."""

from __future__ import annotations

from publisher.cli.commands.steps import run_until
from publisher.cli.options import FormatOption, HubOption, Name, OwnerOption, ProjectOption, QuietOption
from publisher.cli.output import Format, Output


def evaluate(
    name: Name,
    hub: HubOption = None,
    owner: OwnerOption = None,
    project: ProjectOption = None,
    format: FormatOption = Format.TEXT,  # noqa: A002 — the option's name is promised
    quiet: QuietOption = False,
) -> None:
    """Measure the models on held-out rows: losses, answers, intervals, paired tests."""
    from publisher.cli.evaluation_text import document, text
    from publisher.records.facts import Facts

    output = Output(format, quiet)
    release, results = run_until("evaluate", name, hub, owner, project, output)
    facts = Facts(fact for fact in results.facts if fact.stage == "evaluate")
    place = release.paths.workspace.relative_to(release.project.root)
    output.result(text(facts) or f"{name}: not evaluated; release.yaml has no evaluate:")
    output.document("evaluate", {"name": name, "workspace": str(place), **document(facts)})
