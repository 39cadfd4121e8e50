"""hubpub verify: prove what the Hub serves of a released version."""

from __future__ import annotations

from typing import Annotated

import typer

from publisher.cli.options import FormatOption, HubOption, Name, OwnerOption, ProjectOption, QuietOption
from publisher.cli.output import Format, Output
from publisher.cli.progress import Progress
from publisher.cli.session import open_hub, open_release


def verify(
    name: Name,
    proof: Annotated[
        str, typer.Option(help="run: fetch, load, generate, run the cards' code; static: fetch only.")
    ] = "run",
    hub: HubOption = None,
    owner: OwnerOption = None,
    project: ProjectOption = None,
    format: FormatOption = Format.TEXT,  # noqa: A002 — the option's name is promised
    quiet: QuietOption = False,
) -> None:
    """Fetch every file of the last release back, compare it with the lock, load and run it."""
    from publisher.pipeline.reprove import reprove

    if proof not in ("run", "static"):
        raise typer.BadParameter(f"{proof!r} is none of run, static", param_hint="--proof")
    output = Output(format, quiet)
    release = open_release(project, name, owner)
    with open_hub(hub, release, release.project) as target, Progress(output) as progress:
        proofs = reprove(release, target, progress, run=proof == "run")
    for one in proofs:
        output.result(
            f"✓ {one.repo_id} at {one.commit[:8]}: {one.files} files, {one.size / 1e6:.1f} MB fetched back{one.told}"
        )
    output.document(
        "verify",
        {
            "hub": target.endpoint,
            "proof": proof,
            "repos": [
                {"repo_id": p.repo_id, "commit": p.commit, "files": p.files, "bytes": p.size} for p in proofs
            ],
        },
    )
