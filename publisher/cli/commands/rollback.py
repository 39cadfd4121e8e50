"""hubpub rollback: every repo's main becomes what it was at a version; or a half-done first release is taken back."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from publisher.cli.hints import repeated
from publisher.cli.options import (
    FormatOption,
    HubOption,
    Name,
    OwnerOption,
    ProjectOption,
    QuietOption,
    one_of,
)
from publisher.cli.output import Format, Output
from publisher.cli.plan_text import size_text
from publisher.cli.session import open_hub, open_release

if TYPE_CHECKING:
    from publisher.pipeline.rollback import RolledBack
    from publisher.records.rollbacks import RepoRollback, RollbackPlan


def rollback(
    name: Name,
    version: Annotated[
        str | None,
        typer.Argument(
            help="The version that main shall hold; without it, a first release that was never completed "
            "becomes private again.",
            show_default=False,
        ),
    ] = None,
    only: Annotated[
        str | None, typer.Option(help="The repo of this artifact alone.", show_default=False)
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do what the plan says without asking.")] = False,
    hub: HubOption = None,
    owner: OwnerOption = None,
    project: ProjectOption = None,
    format: FormatOption = Format.TEXT,  # noqa: A002 — the option's name is promised
    quiet: QuietOption = False,
) -> None:
    """Make main of every repo what it was at a version, by one new commit each."""
    from publisher.pipeline.rollback import run_rollback
    from publisher.records.artifacts import KINDS

    output = Output(format, quiet)
    kind = one_of("--only", only, KINDS) if only else None

    def confirm(plan: RollbackPlan) -> bool:
        output.talk(_plan_text(plan))
        return yes or (sys.stdin.isatty() and typer.confirm(f"Do this on {plan.hub}?", err=True))

    opened = open_release(project, name, owner)
    with open_hub(hub, opened, opened.project) as target:
        done = run_rollback(opened, target, version, only=kind, confirm=confirm)
    receipt = str(done.receipt.relative_to(opened.project.root)) if done.receipt else None
    option = repeated(hub=hub, owner=owner)
    undo = _undo(done.plan, only, option)
    output.result(_told(done, receipt, undo, option))
    output.document("rollback", {**_document(done), "receipt": receipt, "undo": undo})


def _plan_text(plan: RollbackPlan) -> str:
    goal = f"main of {plan.name} becomes {plan.version}" if plan.version else f"{plan.name} is taken back"
    lines = [f"Rollback on {plan.hub}: {goal}"]
    for repo in plan.repos:
        lines += _repo_lines(plan, repo)
    if plan.withdrawn:
        lines.append(f"  withdrawn: {', '.join(plan.withdrawn)} (the tags stay)")
    return "\n".join(lines)


def _repo_lines(plan: RollbackPlan, repo: RepoRollback) -> list[str]:
    kind = "dataset " if repo.ref.repo_type == "dataset" else ""
    head = f"  {kind}{repo.ref.repo_id} ({repo.kind})"
    if not repo.touches_main:
        lines = [f"{head}: {repo.note}" if repo.note else head]
    else:
        lines = [f"{head}: {repo.now or 'nothing of ours'} at {repo.head[:8]} → {plan.version}"]
        lines.append(f"    ← {_files(len(repo.copied))} copied on the Hub ({size_text(repo.bytes_copied)})")
        lines.append("    0 B of weights or data sent")
    if repo.readme is not None:
        lines.append(
            f"    ↑ README.md as it was at {plan.version}, with a banner ({size_text(len(repo.readme))})"
        )
    lines += [f"    - delete {path}" for path in repo.deleted]
    if repo.kept:
        lines.append(f"    = {_files(len(repo.kept))} of others stay: {', '.join(repo.kept[:3])}")
    lines += [f"    - delete refs/heads/{branch}" for branch in repo.branches]
    lines += [f"    - delete refs/tags/{tag}" for tag in repo.tags]
    if repo.becomes_private:
        lines.append("    ! becomes private")
    return lines


def _files(count: int) -> str:
    return f"{count} file" + ("" if count == 1 else "s")


def _undo(plan: RollbackPlan, only: str | None, option: str) -> str | None:
    """The command that makes `main` what it was before; None where the repos held no one version."""
    versions = {repo.now.partition("+")[0] for repo in plan.repos if repo.touches_main and repo.now}
    if plan.version is None or len(versions) != 1:
        return None
    return f"hubpub rollback {plan.name} {versions.pop()}" + (f" --only {only}" if only else "") + option


def _told(done: RolledBack, receipt: str | None, undo: str | None, option: str) -> str:
    plan = done.plan
    if not plan.changes_anything:
        return f"{plan.name} on {plan.hub}: nothing to do"
    if plan.version is None:
        hidden = [repo.ref.repo_id for repo in plan.repos if repo.becomes_private]
        return "\n".join(
            [
                f"{plan.name} on {plan.hub}: private again: {', '.join(hidden)}",
                f"  receipt:   {receipt}",
                f"  nothing was deleted; complete it with: hubpub release {plan.name}{option}",
            ]
        )
    lines = [f"Rolled back {plan.name} to {plan.version} on {plan.hub}"]
    lines += [
        f"  {repo.ref.repo_id}  {done.commits[repo.ref.repo_id][:8]}"
        + ("" if repo.touches_main else "  unchanged")
        for repo in plan.repos
    ]
    if plan.withdrawn:
        lines.append(f"  withdrawn: {', '.join(plan.withdrawn)}")
    lines.append(f"  receipt:   {receipt}")
    lines.append(f"  cards:     hubpub card {plan.name}, to have them say so here as well")
    lines.append(f"  commit:    git add model_cards/{plan.name}")
    lines += [f"  undo:      {undo}"] if undo else []
    return "\n".join(lines)


def _document(done: RolledBack) -> dict[str, Any]:
    plan = done.plan
    finished = "rolled back" if plan.version else "taken back"
    return {
        "hub": plan.hub,
        "name": plan.name,
        "version": plan.version,
        "state": finished if plan.changes_anything else "nothing to do",
        "withdrawn": list(plan.withdrawn),
        "repos": [
            {
                "repo_id": repo.ref.repo_id,
                "repo_type": repo.ref.repo_type,
                "artifact": repo.kind,
                "before": {"label": repo.now, "commit": repo.head},
                "commit": done.commits[repo.ref.repo_id],
                "copied": list(repo.copied),
                "bytes_copied": repo.bytes_copied,
                "deleted": list(repo.deleted),
                "kept": list(repo.kept),
                "became_private": repo.becomes_private,
                "note": repo.note,
            }
            for repo in plan.repos
        ],
    }
