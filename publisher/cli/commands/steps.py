"""Single steps: a release that stops after one stage. What it needs is made first, what is unchanged is skipped."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from publisher.cli.options import FormatOption, HubOption, Name, OwnerOption, ProjectOption, QuietOption
from publisher.cli.output import Format, Output
from publisher.cli.progress import Progress
from publisher.cli.session import open_hub, open_release, source_of

if TYPE_CHECKING:
    from publisher.pipeline.opened import Release
    from publisher.pipeline.run import Results


def validate(
    name: Name,
    norms: Annotated[
        str | None,
        typer.Option(
            "--norms",
            help="Then print how far each module moved since that version, as the Hub has it.",
            metavar="VERSION",
            show_default=False,
        ),
    ] = None,
    hub: HubOption = None,
    owner: OwnerOption = None,
    project: ProjectOption = None,
    quiet: QuietOption = False,
    format: FormatOption = Format.TEXT,  # noqa: A002 — the option's name is promised
) -> None:
    """Run the artifacts here, on this machine, and prove the merge; nothing is sent."""
    output = Output(format, quiet)
    if norms is None:
        run_step("validate", name, hub, owner, project, output)
        return
    from publisher.pipeline.norms import norms_since

    release, _ = run_until("validate", name, hub, owner, project, output)
    with open_hub(hub or "local", release, release.project, look_only=True) as target:
        found = dict(norms_since(release, target, norms))
    output.document(
        "norms",
        {
            "since": norms,
            "artifacts": {
                kind: [{**asdict(each), "relative": each.relative} for each in rows]
                for kind, rows in found.items()
            },
        },
    )
    for kind, rows in found.items():
        output.result(f"{kind} since {norms}: change of each module, and its share of what was there")
        for each in rows:
            told = "not in both" if each.change is None else f"{each.change:10.4g}  {each.relative or 0:9.3%}"
            output.result(f"  {told}  {each.module}")


def run_step(
    stage: str,
    name: str,
    hub: str | None,
    owner: str | None,
    project: Path | None,
    output: Output,
    *,
    processes: int = 1,
) -> None:
    """Run a release up to one stage, on the embedded Hub unless told otherwise, and say where its files are."""
    release, _ = run_until(stage, name, hub, owner, project, output, processes=processes)
    place = release.paths.workspace.relative_to(release.project.root)
    output.document(stage, {"name": name, "workspace": str(place)})
    output.result(f"{name}: {stage} is done; its files are under {place}/")


def run_until(
    stage: str,
    name: str,
    hub: str | None,
    owner: str | None,
    project: Path | None,
    output: Output,
    *,
    processes: int = 1,
) -> tuple[Release, Results]:
    """Run a release up to one stage, on the embedded Hub unless told otherwise."""
    from publisher.pipeline.release import run_release
    from publisher.pipeline.services import Wishes
    from publisher.pipeline.stages import names_of_run

    release = open_release(project, name, owner)
    stages = names_of_run(proposing=False, until=stage)
    with (
        open_hub(hub or "local", release, release.project) as target,
        Progress(output, release.paths.name, stages) as progress,
    ):
        wishes = Wishes(train=True, processes=processes)
        results = run_release(release, target, source_of(target), wishes, progress, until=stage)
    return release, results
