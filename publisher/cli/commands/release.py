"""hubpub release: everything, from data to receipt."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from publisher.cli.options import FormatOption, HubOption, Name, OwnerOption, ProjectOption, QuietOption
from publisher.cli.output import Format, Output
from publisher.cli.progress import Progress
from publisher.cli.session import open_hub, open_release, source_of

if TYPE_CHECKING:
    from publisher.hub.port import Hub
    from publisher.pipeline.release import Release
    from publisher.pipeline.run import Results
    from publisher.records.plans import Plan
    from publisher.records.receipts import Proven, Receipt


def release(
    name: Name,
    version: Annotated[str | None, typer.Argument(help="Version, such as 1.1.0.", show_default=False)] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do what the plan says without asking.")] = False,
    until: Annotated[str | None, typer.Option(help="Stop after this stage.", show_default=False)] = None,
    train: Annotated[bool, typer.Option("--train", help="Train again where another machine did.")] = False,
    allow_delete: Annotated[
        list[str] | None, typer.Option(help="A released file that may go. Repeatable.", show_default=False)
    ] = None,
    message: Annotated[str, typer.Option("-m", help="What the tag's message says.")] = "",
    hub: HubOption = None,
    owner: OwnerOption = None,
    project: ProjectOption = None,
    format: FormatOption = Format.TEXT,  # noqa: A002 — the option's name is promised
    quiet: QuietOption = False,
) -> None:
    """Train or load, merge, quantize, validate, write cards, check, plan, publish, verify, promote."""
    from publisher.manifest.schema import VERSION
    from publisher.pipeline.release import run_release
    from publisher.pipeline.services import Wishes

    if version is not None and not VERSION.fullmatch(version):
        raise typer.BadParameter(f"{version!r} is not a version such as 1.0.0")
    output = Output(format, quiet)
    opened = open_release(project, name, owner)
    wishes = Wishes(version, yes, "run", train, message, frozenset(allow_delete or ()), _confirm)
    with open_hub(hub, opened, opened.project) as target, Progress(output) as progress:
        results = run_release(opened, target, source_of(target), wishes, progress, until=until)
    _tell(output, opened, target, results)


def _confirm(plan: Plan) -> bool:
    if not sys.stdin.isatty():
        return False
    return typer.confirm(f"Do this on {plan.hub}?", err=True)


def _tell(output: Output, release: Release, hub: Hub, results: Results) -> None:
    from publisher.records.plans import Plan
    from publisher.records.receipts import Proven, Receipt

    plan: Plan | None = results.made.get(Plan)
    receipt: Receipt | None = results.made.get(Receipt)
    if plan is None:
        output.document("release", {"name": release.paths.name, "state": "stopped early"})
        return
    if receipt is None:
        state = "nothing to do" if not plan.changes_anything else "stopped early"
        output.result(f"{plan.name} {plan.version} on {plan.hub}: {state}")
        output.document("release", {"name": plan.name, "version": plan.label, "state": state})
        return
    proven: Proven = results.made[Proven]
    file = release.paths.hub(hub.host) / "receipts" / f"{receipt.version}.json"
    lines = [f"Released {receipt.name} {receipt.version} on {hub.endpoint}"]
    for repo in receipt.repos:
        prefix = "datasets/" if repo.repo_type == "dataset" else ""
        lines.append(
            f"  {hub.endpoint}/{prefix}{repo.repo_id}  {repo.tag}  {repo.visibility}  {repo.commit[:8]}"
        )
    lines.append(f"  proven:  {_proven(proven)}")
    lines.append(f"  receipt: {_relative(file, release)}")
    lines.append(f"  commit:  git add {_relative(release.paths.folder, release)}")
    output.result("\n".join(lines))
    output.document("release", _document(receipt))


def _proven(proven: Proven) -> str:
    run = [proof for proof in proven.proofs if not proof.recalled]
    snippets = sum(len(proof.details.get("snippets", ())) for proof in run)
    said = [f"{len(proven.proofs)} repos fetched back and compared"]
    if run:
        isolation = sorted({str(proof.details.get("isolation", "")) for proof in run} - {""})
        where = f" ({'; '.join(isolation)})" if isolation else ""
        said.append(f"{len(run)} loaded and run{where}, {snippets} code blocks executed")
    if len(run) < len(proven.proofs):
        said.append(f"{len(proven.proofs) - len(run)} with model and code as they were proven before")
    return "; ".join(said)


def _document(receipt: Receipt) -> dict[str, Any]:
    repos = [
        {"repo_id": r.repo_id, "commit": r.commit, "tag": r.tag, "visibility": r.visibility}
        for r in receipt.repos
    ]
    return {
        "name": receipt.name,
        "version": receipt.version,
        "state": "released",
        "proof": receipt.proof,
        "repos": repos,
    }


def _relative(path: Any, release: Release) -> str:
    return str(path.relative_to(release.project.root))
