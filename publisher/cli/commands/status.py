"""hubpub status: where a release stands, and why each stage will run or be skipped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from publisher.cli.options import (
    FormatOption,
    HubOption,
    OwnerOption,
    ProjectOption,
    StandInOption,
    release_names,
)
from publisher.cli.output import Format, Output
from publisher.cli.session import open_hub, open_project, open_release
from publisher.errors import HubpubError

if TYPE_CHECKING:
    from publisher.hub.remote import RemoteHub
    from publisher.pipeline.opened import Release


def status(
    name: Annotated[
        str | None,
        typer.Argument(
            help="A folder of model_cards/; all without it.", show_default=False, autocompletion=release_names
        ),
    ] = None,
    stand_in: StandInOption = False,
    hub: HubOption = None,
    owner: OwnerOption = None,
    project: ProjectOption = None,
    format: FormatOption = Format.TEXT,  # noqa: A002 — the option's name is promised
) -> None:
    """Show what was released where, and what the next run would do and why."""
    output = Output(format)
    names = [name] if name else open_project(project).names()
    documents = []
    for one in names:
        opened = open_release(project, one, owner, stand_in=stand_in)
        with open_hub(hub, opened, opened.project, look_only=True) as target:
            documents.append(_state(opened, target, output, detailed=name is not None))
    output.document("status", {"releases": documents})


def _state(release: Release, hub: RemoteHub, output: Output, *, detailed: bool) -> dict[str, Any]:
    from publisher.pipeline.look import stage_states

    released = dict(release.lock.released) if release.lock else {}
    output.result(release.paths.name)
    for host, last in released.items():
        withdrawn = f", withdrawn: {', '.join(last.withdrawn)}" if last.withdrawn else ""
        output.result(f"  released {last.version} on {host}{withdrawn}")
    if not released:
        output.result("  never released")
    repos = _on_the_hub(release, hub)
    for repo_id, state in repos.items():
        output.result(f"  {repo_id}: {state}")
    stages = list(stage_states(release, hub)) if detailed else []
    for stage in stages:
        output.result(f"  {'runs ' if stage.runs else 'skips'}  {stage.name:<10} {stage.reason}")
    return {
        "name": release.paths.name,
        "released": {host: last.version for host, last in released.items()},
        "repos": repos,
        "stages": [{"stage": s.name, "runs": s.runs, "reason": s.reason} for s in stages],
    }


def _on_the_hub(release: Release, hub: RemoteHub) -> dict[str, str]:
    from publisher.release.proof_tag import proof_tags

    states = {}
    for ref in release.identity.refs.values():
        try:
            state = hub.state(ref)
        except HubpubError as fault:
            return {"hub": f"{fault.what} ({hub.endpoint})"}
        if state is None:
            states[ref.repo_id] = f"not on {hub.endpoint}"
            continue
        proofs = list(proof_tags(state.tags))
        tags = ", ".join(sorted(state.tags.keys() - {tag.name for tag in proofs})) or "no tag"
        staged = [branch for branch in state.branches if branch.startswith("hubpub/")]
        waiting = f", staged: {', '.join(staged)}" if staged else ""
        waiting += "".join(f", proven: {tag.label} ({tag.level})" for tag in proofs)
        states[ref.repo_id] = f"{'private' if state.private else 'public'}, {tags}{waiting}"
    return states
