"""hubpub release: everything, from data to receipt."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from publisher.cli.hints import repeated
from publisher.cli.options import (
    FormatOption,
    HubOption,
    OwnerOption,
    ProcessesOption,
    ProjectOption,
    QuietOption,
    StandInOption,
    one_of,
    release_names,
)
from publisher.cli.outcome import Outcome, outcome
from publisher.cli.output import Format, Output, report_error
from publisher.cli.progress import Progress
from publisher.cli.session import open_hub, open_project, open_release, source_of
from publisher.errors import HubpubError

if TYPE_CHECKING:
    from publisher.pipeline.opened import Release
    from publisher.pipeline.services import Wishes
    from publisher.records.plans import Plan


def release(
    name: Annotated[
        str | None,
        typer.Argument(help="A folder of model_cards/.", show_default=False, autocompletion=release_names),
    ] = None,
    version: Annotated[str | None, typer.Argument(help="Version, such as 1.1.0.", show_default=False)] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do what the plan says without asking.")] = False,
    until: Annotated[str | None, typer.Option(help="Stop after this stage.", show_default=False)] = None,
    train: Annotated[
        bool | None,
        typer.Option(
            "--train/--no-train",
            help="Train again where another machine did; or train nothing here.",
            show_default=False,
        ),
    ] = None,
    allow_delete: Annotated[
        list[str] | None, typer.Option(help="A released file that may go. Repeatable.", show_default=False)
    ] = None,
    allow_worse: Annotated[
        bool,
        typer.Option(
            "--allow-worse", help="Release a tuned model that does not beat its base; its card says so."
        ),
    ] = False,
    proof: Annotated[
        str,
        typer.Option(
            help="static: compare bytes, load nothing; load: load as well; run: also ask and run the cards' code."
        ),
    ] = "run",
    verify: Annotated[
        str, typer.Option(help="full: load what was fetched back, not the equal files that lie here.")
    ] = "auto",
    propose: Annotated[
        bool, typer.Option("--propose", help="To pull requests that the repos' owners merge, not to main.")
    ] = False,
    reserve: Annotated[
        bool,
        typer.Option("--reserve", help="Only make the repos that are not there, private: for keyless CI."),
    ] = False,
    stand_in: StandInOption = False,
    all_: Annotated[
        bool, typer.Option("--all", help="Every release of the project, one after the other.")
    ] = False,
    changed: Annotated[
        bool, typer.Option("--changed", help="Every release that differs from what was released.")
    ] = False,
    processes: ProcessesOption = 1,
    message: Annotated[str, typer.Option("-m", help="What the tag's message says.")] = "",
    hub: HubOption = None,
    owner: OwnerOption = None,
    project: ProjectOption = None,
    format: FormatOption = Format.TEXT,  # noqa: A002 — the option's name is promised
    quiet: QuietOption = False,
) -> None:
    """Do it all: train or load, merge, quantize, validate, card, check, plan, publish, verify, promote."""
    from publisher.manifest.schema import VERSION
    from publisher.pipeline.services import Wishes
    from publisher.records.receipts import ProofLevel

    if version is not None and not VERSION.fullmatch(version):
        raise typer.BadParameter(f"{version!r} is not a version such as 1.0.0")
    if sum((name is not None, all_, changed)) != 1:
        raise typer.BadParameter("name one release, or say --all or --changed")
    if stand_in and (name is None or reserve):
        raise typer.BadParameter("--stand-in rehearses one release, without --reserve")
    output = Output(format, quiet)
    if reserve:
        from publisher.cli.commands.reserve import reserve_repos

        if name is None:
            raise typer.BadParameter("--reserve makes the repos of one release; name it")
        reserve_repos(output, open_release(project, name, owner), hub, yes=yes, confirm=_confirm)
        return
    wishes = Wishes(
        version,
        yes,
        one_of("--proof", proof, get_args(ProofLevel)),
        train is True,
        message,
        frozenset(allow_delete or ()),
        _confirm,
        verify=one_of("--verify", verify, ("auto", "full")),
        propose=propose,
        allow_worse=allow_worse,
        never_train=train is False,
        processes=processes,
    )
    if name is not None:
        opened = open_release(project, name, owner, stand_in=stand_in)
        for line in opened.swapped:
            output.talk(f"rehearsal: {line}")
        ended = _release_one(opened, output, hub, owner, wishes, until)
        output.result(ended.text)
        output.document("release", ended.document)
        return
    _release_many(output, project, hub, owner, wishes, until, only_changed=changed)


def _release_one(
    opened: Release, output: Output, hub: str | None, owner: str | None, wishes: Wishes, until: str | None
) -> Outcome:
    from publisher.pipeline.changed import is_unchanged_without_files
    from publisher.pipeline.release import run_release
    from publisher.pipeline.stages import names_of_run

    stages = names_of_run(proposing=wishes.propose, until=until)
    with (
        open_hub(hub, opened, opened.project) as target,
        Progress(output, opened.paths.name, stages) as progress,
    ):
        if is_unchanged_without_files(opened, target, wishes):
            return _unchanged(opened, target.endpoint)
        results = run_release(opened, target, source_of(target), wishes, progress, until=until)
    return outcome(opened, target, results, repeated(hub=hub, owner=owner, stand_in=opened.paths.stand_in))


def _release_many(
    output: Output,
    project: Path | None,
    hub: str | None,
    owner: str | None,
    wishes: Wishes,
    until: str | None,
    *,
    only_changed: bool,
) -> None:
    """One after the other. One that fails is told and the next one goes on: releases know nothing of each other."""
    from publisher.pipeline.changed import why_changed

    documents = []
    failed: list[HubpubError] = []
    for name in open_project(project).names():
        output.talk(f"── {name}")
        try:
            opened = open_release(project, name, owner)
            with open_hub(hub, opened, opened.project, look_only=True) as target:
                reason = why_changed(opened, target, wishes) if only_changed else "--all"
            if reason is None:
                ended = _unchanged(opened, target.endpoint)
            else:
                output.talk(f"   {reason}")
                ended = _release_one(opened, output, hub, owner, wishes, until)
        except HubpubError as error:
            report_error(error)
            failed.append(error)
            ended = Outcome(
                "", {"name": name, "state": "failed", "error": {"code": error.code, "what": error.what}}
            )
        output.result(ended.text)
        documents.append(ended.document)
    output.document("releases", {"releases": documents})
    if failed:
        raise typer.Exit(failed[0].exit_code)


def _unchanged(release: Release, endpoint: str) -> Outcome:
    name = release.paths.name
    return Outcome(f"{name} on {endpoint}: nothing to do", {"name": name, "state": "nothing to do"})


def _confirm(plan: Plan) -> bool:
    if not sys.stdin.isatty():
        return False
    return typer.confirm(f"Do this on {plan.hub}?", err=True)
