"""hubpub train: the adapter, here in one process or several, or on a machine that the Hub rents out."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from publisher.cli.commands.steps import run_step
from publisher.cli.options import (
    FormatOption,
    HubOption,
    Name,
    OwnerOption,
    ProcessesOption,
    ProjectOption,
    QuietOption,
    one_of,
)
from publisher.cli.output import Format, Output
from publisher.cli.session import open_hub, open_release

if TYPE_CHECKING:
    from publisher.pipeline.jobs_request import Submission


def train(
    name: Name,
    processes: ProcessesOption = 1,
    on: Annotated[
        str, typer.Option("--on", help="local, or jobs: Hugging Face Jobs, which costs money.")
    ] = "local",
    flavor: Annotated[
        str | None,
        typer.Option(help="With --on jobs: the machine, as the Hub names it.", show_default="a100-large"),
    ] = None,
    image: Annotated[
        str | None,
        typer.Option(help="With --on jobs: a container's image with Python and a CUDA.", show_default=False),
    ] = None,
    hours: Annotated[float, typer.Option(min=0.1, help="With --on jobs: ended after so long.")] = 12.0,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="With --on jobs: show what would be asked for; nothing is sent.")
    ] = False,
    hub: HubOption = None,
    owner: OwnerOption = None,
    project: ProjectOption = None,
    format: FormatOption = Format.TEXT,  # noqa: A002 — the option's name is promised
    quiet: QuietOption = False,
) -> None:
    """Train the adapter, or take the existing one in."""
    output = Output(format, quiet)
    elsewhere = one_of("--on", on, ("local", "jobs")) == "jobs"
    if not elsewhere:
        if dry_run or flavor or image:
            raise typer.BadParameter("--dry-run, --flavor and --image are for --on jobs")
        run_step("train", name, hub, owner, project, output, processes=processes)
        return
    from publisher.pipeline.jobs_request import FLAVOR, IMAGE, submission_of

    release = open_release(project, name, owner)
    asked = submission_of(
        release, processes=processes, owner=owner, flavor=flavor or FLAVOR, image=image or IMAGE, hours=hours
    )
    if dry_run:
        output.result(_text(asked))
        output.document("job", _document(asked))
        return
    with open_hub(hub, release, release.project) as target:
        target.fill_bucket(asked.request.bucket, asked.files)
        address = target.run_job(asked.request)
    output.result(f"{name} is trained at {address}\nwhen it is done: {_fetch(asked, release.project.root)}")
    output.document("job", {**_document(asked), "url": address})


def _text(asked: Submission) -> str:
    request = asked.request
    size = sum(file.stat().st_size for file in asked.files.values())
    rows = {
        "job": request.name,
        "paid by": request.namespace,
        "machine": f"{request.flavor}, for {request.timeout_s / 3600:g} h at most",
        "image": request.image,
        "secrets": f"{', '.join(request.secrets)} (their values are sent when it starts, and shown nowhere)",
        "volume": f"bucket {request.bucket} at {request.mount}, private",
        "files": f"{len(asked.files)} of this project, {size / 1e6:.1f} MB",
        "command": request.command[0] + " -c",
    }
    script = [f"    {line}" for line in request.command[-1].splitlines()]
    listed = [f"    {path}" for path in sorted(asked.files)]
    lines = [f"  {name:<8} {value}" for name, value in rows.items()]
    return "\n".join(
        ["Nothing was sent. This would be asked for:", *lines, *script, "  files in the bucket", *listed]
    )


def _document(asked: Submission) -> dict[str, object]:
    return {**asdict(asked.request), "files": sorted(asked.files)}


def _fetch(asked: Submission, root: Path) -> str:
    return f"hf buckets sync hf://buckets/{asked.request.bucket}/.hubpub {root / '.hubpub'}"
