"""Single steps: a release that stops after one stage. What it needs is made first, what is unchanged is skipped."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from publisher.cli.options import HubOption, Name, OwnerOption, ProjectOption, QuietOption
from publisher.cli.output import Output
from publisher.cli.progress import Progress
from publisher.cli.session import open_hub, open_release, source_of

HELP = {
    "dataset": "Build the dataset.",
    "train": "Train the adapter, or take the existing one in.",
    "validate": "Run the artifacts on this machine and prove the merge.",
    "evaluate": "Measure held-out loss and perplexity.",
}


def step(stage: str) -> Callable[..., None]:
    """The command that runs a release up to one stage, on the embedded Hub unless told otherwise."""

    def command(
        name: Name,
        hub: HubOption = None,
        owner: OwnerOption = None,
        project: ProjectOption = None,
        quiet: QuietOption = False,
    ) -> None:
        run_step(stage, name, hub, owner, project, Output(quiet=quiet))

    command.__doc__ = HELP[stage]
    return command


def run_step(
    stage: str, name: str, hub: str | None, owner: str | None, project: Path | None, output: Output
) -> None:
    """Run a release up to one stage, and say where its files are."""
    from publisher.pipeline.release import run_release
    from publisher.pipeline.services import Wishes

    release = open_release(project, name, owner)
    with open_hub(hub or "local", release, release.project) as target, Progress(output) as progress:
        run_release(release, target, source_of(target), Wishes(train=True), progress, until=stage)
    place = release.paths.workspace.relative_to(release.project.root)
    output.document(stage, {"name": name, "workspace": str(place)})
    output.result(f"{name}: {stage} is done; its files are under {place}/")
