"""hubpub promote: the last step alone, for what is staged and proven."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from publisher.cli.ending import ending_of
from publisher.cli.hints import repeated
from publisher.cli.options import (
    FormatOption,
    HubOption,
    Name,
    OwnerOption,
    ProjectOption,
    QuietOption,
    StandInOption,
)
from publisher.cli.output import Format, Output
from publisher.cli.released_text import released_document, released_text
from publisher.cli.session import open_hub, open_release
from publisher.errors import HubpubError

if TYPE_CHECKING:
    from publisher.release.waiting import RepoWaiting, Waiting

FILES_SHOWN = 6


def promote(
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do what the plan says without asking.")] = False,
    message: Annotated[str, typer.Option("-m", help="What the tag's message says.")] = "",
    stand_in: StandInOption = False,
    hub: HubOption = None,
    owner: OwnerOption = None,
    project: ProjectOption = None,
    format: FormatOption = Format.TEXT,  # noqa: A002 — the option's name is promised
    quiet: QuietOption = False,
) -> None:
    """Put onto main what is staged and proven, on any machine that has the lock."""
    from publisher.pipeline.promote import find_promotion, promote_waiting

    output = Output(format, quiet)
    opened = open_release(project, name, owner, stand_in=stand_in)
    with open_hub(hub, opened, opened.project) as target:
        waiting = find_promotion(opened, target)
        if not waiting.repos:
            output.result(f"{name} on {target.endpoint}: nothing to promote: {waiting.label} is on main")
            output.document(
                "promote",
                {"name": name, "version": waiting.label, "state": "nothing to promote", "repos": []},
            )
            return
        output.talk(_plan_text(waiting))
        if not yes and not _confirmed(waiting):
            raise HubpubError(
                "HP-R04", "the plan was not confirmed", hint="confirm it, or say --yes", where=target.endpoint
            )
        receipt = promote_waiting(opened, target, waiting, message=message)
    ending = ending_of(
        opened,
        _proven(waiting),
        opened.lock.facts if opened.lock else (),
        version=receipt.version,
        before=opened.version_before(target.host),
        option=repeated(hub=hub, owner=owner),
    )
    output.result(released_text("Promoted", opened, target, receipt, ending))
    output.document("promote", released_document("promoted", opened, target, receipt, ending))


def _proven(waiting: Waiting) -> str:
    levels = sorted({candidate.level for candidate in waiting.candidates})
    return f"{', '.join(levels)}, before this, by the machine that staged it"


def _confirmed(waiting: Waiting) -> bool:
    return sys.stdin.isatty() and typer.confirm(f"Do this on {waiting.hub}?", err=True)


def _plan_text(waiting: Waiting) -> str:
    lines = [f"Promotion of {waiting.name} {waiting.label} on {waiting.hub}"]
    for repo in waiting.repos:
        lines += _repo_lines(repo, waiting.tag)
    lines += [f"  {ref.repo_id}: unchanged" for ref in waiting.unchanged]
    lines.append("  0 B to send: what was proven is copied on the Hub")
    return "\n".join(lines)


def _repo_lines(repo: RepoWaiting, tag: str) -> list[str]:
    one = repo.candidate
    kind = "dataset " if one.ref.repo_type == "dataset" else ""
    lines = [f"  {kind}{one.ref.repo_id} ({one.kind}), proven at {one.commit[:8]}: {one.level}"]
    lines += [f"    ← {path}" for path in repo.written[:FILES_SHOWN]]
    if len(repo.written) > FILES_SHOWN:
        lines.append(f"    ← {len(repo.written) - FILES_SHOWN} more files")
    lines += [f"    - delete {path}" for path in repo.deleted]
    lines += [f"    # tag {tag}"] if repo.tag else []
    lines += [f"    ! becomes {'private' if one.private else 'public'}"] if repo.visibility else []
    return lines
