"""hubpub check: lint release names, folders and READMEs. Reads, runs nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from publisher.cli.options import ProjectOption
from publisher.cli.output import Output
from publisher.errors import Exit, HubpubError

if TYPE_CHECKING:
    from publisher.records.findings import Report


def check(
    targets: Annotated[
        list[str] | None, typer.Argument(help="Release names, folders, README files.", show_default=False)
    ] = None,
    select: Annotated[
        list[str] | None, typer.Option(help="Only these codes. Repeatable.", show_default=False)
    ] = None,
    ignore: Annotated[
        list[str] | None, typer.Option(help="Not these codes. Repeatable.", show_default=False)
    ] = None,
    strict: Annotated[bool, typer.Option(help="Warnings fail as well.")] = False,
    explain: Annotated[str | None, typer.Option(help="Print a rule's page.", show_default=False)] = None,
    project: ProjectOption = None,
    format: Annotated[str, typer.Option("--format", help="text, json or github.")] = "text",  # noqa: A002
) -> None:
    """Lint releases, model and dataset folders, and cards."""
    from publisher.checks import report as writing
    from publisher.checks.registry import explain as page
    from publisher.cli.output import Format

    if explain is not None:
        Output().result(page(explain))
        return
    if format not in ("text", "json", "github"):
        raise typer.BadParameter(f"{format!r} is none of text, json, github", param_hint="--format")
    if not targets:
        raise typer.BadParameter("name a release, a folder or a README.md", param_hint="TARGET")
    reports = [report for target in targets for report in _check(target, project, select or (), ignore or ())]
    output = Output(Format.JSON if format == "json" else Format.TEXT)
    for report in reports:
        if format == "json":
            output.document("check", {k: v for k, v in writing.to_json(report).items() if k != "schema"})
        else:
            output.result(writing.to_text(report) if format == "text" else writing.to_github(report))
    failing = ("error", "warning") if strict else ("error",)
    if any(report.summary[severity] for report in reports for severity in failing):
        raise typer.Exit(Exit.FAILED)


def _check(
    target: str, project: Path | None, select: list[str] | tuple[()], ignore: list[str] | tuple[()]
) -> list[Report]:
    """A release name means the artifacts of its workspace; anything else is a path."""
    from publisher.checks.run import check_card, check_folder
    from publisher.cli.session import open_project

    path = Path(target)
    if path.is_dir():
        return [check_folder(path, target=target, select=tuple(select), ignore=tuple(ignore))]
    if path.is_file():
        return [check_card(path, target=target, select=tuple(select), ignore=tuple(ignore))]
    try:
        opened = open_project(project)
        folders = sorted((opened.release(target).workspace / "artifacts").glob("*/"))
        known = target in opened.names()
    except HubpubError:
        folders, known = [], False
    if not known:
        raise HubpubError(
            "HP-M02",
            f"{target!r} is neither a release, a folder nor a file",
            hint="hubpub check README.md, or hubpub check FOLDER",
        )
    if not folders:
        raise HubpubError(
            "HP-R03",
            f"nothing of {target} lies in the workspace",
            where=str(opened.release(target).workspace),
            hint=f"hubpub release {target} --until check --hub local",
        )
    name = opened.release(target).name
    return [
        check_folder(f, target=f"{name}/{f.name}", select=tuple(select), ignore=tuple(ignore))
        for f in folders
        if not f.name.endswith(".tmp")
    ]
