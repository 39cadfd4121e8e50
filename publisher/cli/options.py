"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from publisher.cli.output import Format
from publisher.errors import HubpubError

Choice = TypeVar("Choice", bound=str)


def one_of(option: str, given: str, known: Iterable[Choice]) -> Choice:
    """What was given, if it is one of the words that the option knows."""
    names = tuple(known)
    found = next((name for name in names if name == given), None)
    if found is None:
        raise typer.BadParameter(f"{given!r} is none of {', '.join(names)}", param_hint=option)
    return found


def release_names(incomplete: str) -> list[str]:
    """The releases of the project here that begin so, for the shell; none where there is no project."""
    from publisher.cli.session import open_project

    try:
        return [name for name in open_project(None).names() if name.startswith(incomplete)]
    except HubpubError:
        return []


Name = Annotated[
    str, typer.Argument(help="A folder of model_cards/.", show_default=False, autocompletion=release_names)
]
HubOption = Annotated[
    str | None,
    typer.Option(
        "--hub", help="local, hf or an address; else the manifest's hub:, else hf.", show_default=False
    ),
]
ProjectOption = Annotated[
    Path | None,
    typer.Option("--project", help="The project's folder; else the nearest parent with model_cards/."),
]
StandInOption = Annotated[
    bool,
    typer.Option(
        "--stand-in", help="The release's rehearsal on this machine, with a small random model as its base."
    ),
]
FormatOption = Annotated[Format, typer.Option("--format", help="How results are printed.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Results and errors only.")]
OwnerOption = Annotated[
    str | None, typer.Option("--owner", help="Owner of the repos, instead of the manifest's.")
]
ProcessesOption = Annotated[
    int,
    typer.Option("--processes", min=1, help="That share each step of a training: a GPU each, or this CPU."),
]
