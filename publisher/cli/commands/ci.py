"""hubpub ci: the workflow that releases on a tag, and what its steps ask for."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from publisher.cli.options import FormatOption, ProjectOption, one_of, release_names
from publisher.cli.output import Format, Output
from publisher.cli.session import open_project, open_release

if TYPE_CHECKING:
    from publisher.manifest.project import Project
    from publisher.pipeline.ci import CiWorkflow

_ENVIRONMENT = re.compile(r"[A-Za-z0-9][\w.-]*", re.ASCII)
_DID = {"new": "wrote", "other": "wrote over", "same": "unchanged:"}


def init(
    provider: Annotated[str, typer.Option(help="Whose CI; so far github.")] = "github",
    proof: Annotated[
        str,
        typer.Option(help="How far a release is proven there: run, load, or static, which needs no torch."),
    ] = "run",
    environment: Annotated[
        str, typer.Option(help="The protected environment that releases run in.")
    ] = "hugging-face",
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Write over a workflow that was edited, or is an older one.")
    ] = False,
    project: ProjectOption = None,
    format: FormatOption = Format.TEXT,  # noqa: A002 — the option's name is promised
) -> None:
    """Write the workflow that reviews pull requests and releases on a tag, without a stored token."""
    from publisher.pipeline.ci import FILE, Provider, compose, write
    from publisher.records.receipts import ProofLevel

    one_of("--provider", provider, get_args(Provider))
    level = one_of("--proof", proof, get_args(ProofLevel))
    if not _ENVIRONMENT.fullmatch(environment):
        raise typer.BadParameter(
            f"{environment!r} is no name of letters, digits, '.', '_' and '-'", param_hint="--environment"
        )
    output = Output(format)
    place = open_project(project)
    workflow = compose(place, environment=environment, proof=level)
    write(workflow, over=yes)
    output.result(f"{_DID[workflow.state]} {FILE.as_posix()}")
    output.talk("\n".join(_next(place, workflow, environment)))
    output.document(
        "ci",
        {
            "provider": provider,
            "file": FILE.as_posix(),
            "root": str(workflow.root),
            "state": {"new": "written", "other": "overwritten", "same": "unchanged"}[workflow.state],
            "environment": environment,
            "proof": level,
            "releases": place.names(),
        },
    )


def packages(
    name: Annotated[
        str | None,
        typer.Argument(
            help="A folder of model_cards/; else all.", show_default=False, autocompletion=release_names
        ),
    ] = None,
    project: ProjectOption = None,
    format: FormatOption = Format.TEXT,  # noqa: A002 — the option's name is promised
) -> None:
    """List the packages that the locks were made with, as pip reads them; with others all would be made anew."""
    from publisher.manifest.lock import read_lock
    from publisher.pipeline.locked_packages import locked_packages, requirements

    output = Output(format)
    if name is not None:
        locks = {name: open_release(project, name).lock}
    else:
        place = open_project(project)
        locks = {each: read_lock(place.release(each).lock) for each in place.names()}
    found = locked_packages(locks)
    output.result("\n".join(requirements(found)))
    output.document("packages", {"packages": found})


def _next(project: Project, workflow: CiWorkflow, environment: str) -> list[str]:
    """What a person does once, on two websites."""
    from publisher.pipeline.workflow import workflow_of

    repository = workflow_of(project.root).repository
    page = f"github.com/{repository}/settings/environments" if repository else "Settings, Environments"
    name = next(iter(project.names()), "NAME")
    return [
        f"next: commit {workflow.file.relative_to(workflow.root).as_posix()}, and once, by hand:",
        f"  on GitHub ({page}): the environment {environment}, with reviewers, for tags v* and *-v* only",
        "  on the Hub: a trusted publisher for each repo; hubpub release NAME --reserve names the pages",
        f"then: git tag {name}-v1.0.0 && git push origin {name}-v1.0.0",
    ]
