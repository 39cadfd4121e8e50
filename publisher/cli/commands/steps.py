"""Single steps: a release that stops after one stage. What it needs is made first, what is unchanged is skipped."""

from __future__ import annotations

from publisher.cli.options import HubOption, Name, OwnerOption, ProjectOption, QuietOption
from publisher.cli.output import Output
from publisher.cli.progress import Progress
from publisher.cli.session import open_hub, open_release, source_of


def _until(stage: str, name: str, hub: str | None, owner: str | None, project: object, quiet: bool) -> None:
    from pathlib import Path

    from publisher.pipeline.release import run_release
    from publisher.pipeline.services import Wishes

    release = open_release(project if isinstance(project, Path) else None, name, owner)
    output = Output(quiet=quiet)
    with open_hub(hub or "local", release, release.project) as target, Progress(output) as progress:
        run_release(release, target, source_of(target), Wishes(train=True), progress, until=stage)
    output.result(
        f"{name}: {stage} is done; its files are under {release.paths.workspace.relative_to(release.project.root)}/"
    )


def dataset_build(
    name: Name,
    hub: HubOption = None,
    owner: OwnerOption = None,
    project: ProjectOption = None,
    quiet: QuietOption = False,
) -> None:
    """Build the dataset."""
    _until("dataset", name, hub, owner, project, quiet)


def train(
    name: Name,
    hub: HubOption = None,
    owner: OwnerOption = None,
    project: ProjectOption = None,
    quiet: QuietOption = False,
) -> None:
    """Train the adapter, or take the existing one in."""
    _until("train", name, hub, owner, project, quiet)


def merge(
    name: Name,
    hub: HubOption = None,
    owner: OwnerOption = None,
    project: ProjectOption = None,
    quiet: QuietOption = False,
) -> None:
    """Merge base and adapter."""
    _until("merge", name, hub, owner, project, quiet)


def quantize(
    name: Name,
    hub: HubOption = None,
    owner: OwnerOption = None,
    project: ProjectOption = None,
    quiet: QuietOption = False,
) -> None:
    """Write the 4-bit checkpoint."""
    _until("quantize", name, hub, owner, project, quiet)


def validate(
    name: Name,
    hub: HubOption = None,
    owner: OwnerOption = None,
    project: ProjectOption = None,
    quiet: QuietOption = False,
) -> None:
    """Run the artifacts on this machine and prove the merge."""
    _until("validate", name, hub, owner, project, quiet)


def evaluate(
    name: Name,
    hub: HubOption = None,
    owner: OwnerOption = None,
    project: ProjectOption = None,
    quiet: QuietOption = False,
) -> None:
    """Measure held-out loss and perplexity."""
    _until("evaluate", name, hub, owner, project, quiet)
