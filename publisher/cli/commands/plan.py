"""hubpub plan: what a release would change on the Hub. Works in memory, writes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from publisher.cli.options import FormatOption, HubOption, Name, OwnerOption, ProjectOption, StandInOption
from publisher.cli.output import Format, Output
from publisher.cli.plan_text import plan_document, plan_text
from publisher.cli.session import open_hub, open_release, source_of
from publisher.errors import HubpubError

if TYPE_CHECKING:
    from publisher.hub.port import Hub
    from publisher.pipeline.opened import Release
    from publisher.records.artifacts import Kind, RepoRef


def plan(
    name: Name,
    version: Annotated[str | None, typer.Argument(help="Version, such as 1.1.0.", show_default=False)] = None,
    fail_on_change: Annotated[bool, typer.Option(help="Exit 1 where anything would change.")] = False,
    stand_in: StandInOption = False,
    hub: HubOption = None,
    owner: OwnerOption = None,
    project: ProjectOption = None,
    format: FormatOption = Format.TEXT,  # noqa: A002 — the option's name is promised
) -> None:
    """Show what a release would change on the Hub, per repo; changes nothing."""
    from publisher.pipeline.look import plan_locked, preflight_problems

    output = Output(format)
    option = (f" --hub {hub}" if hub else "") + (" --stand-in" if stand_in else "")
    opened = open_release(project, name, owner, stand_in=stand_in)
    with open_hub(hub, opened, opened.project, look_only=True) as target:
        if opened.lock is None or not opened.lock.artifacts:
            problems = preflight_problems(opened, target, source_of(target))
            output.result(_nothing_made(opened, target, bool(problems), option))
            if problems:
                problems[0].data["all"] = problems
                raise problems[0]
        found = plan_locked(opened, target, version)
    if opened.lock is not None and opened.lock.artifacts:
        output.result(plan_text(found))
    output.document("plan", plan_document(found))
    if fail_on_change and found.changes_anything:
        raise HubpubError(
            "HP-R05", "the plan would change the Hub", where=found.hub, hint=f"hubpub release {name}{option}"
        )


def _nothing_made(release: Release, hub: Hub, blocked: bool, option: str) -> str:
    lines = [f"Nothing of {release.paths.name} was made yet. A release on {hub.endpoint} would make:"]
    for kind, ref in release.identity.refs.items():
        seen = "private" if release.identity.private[kind] else "private until it is proven, then public"
        lines.append(_repo_line(hub, kind, ref, seen))
    lines.append(
        "Missing on this machine:"
        if blocked
        else f"Nothing is missing: hubpub release {release.paths.name}{option}"
    )
    return "\n".join(lines)


def _repo_line(hub: Hub, kind: Kind, ref: RepoRef, seen: str) -> str:
    try:
        there = hub.state(ref)
    except HubpubError:  # no answer: told below, with what is missing
        return f"  ? {ref.repo_id} ({kind})"
    return f"  ~ {ref.repo_id} ({kind}, there already)" if there else f"  + {ref.repo_id} ({kind}, {seen})"
