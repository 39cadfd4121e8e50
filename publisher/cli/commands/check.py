"""hubpub check: lint release names, folders and READMEs. Reads, runs nothing."""

from __future__ import annotations

from difflib import unified_diff
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from publisher.cli.options import ProjectOption
from publisher.cli.output import Output
from publisher.errors import Exit, HubpubError

if TYPE_CHECKING:
    from publisher.checks.source import Source
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
    fix: Annotated[bool, typer.Option("--fix", help="Mend what can be mended, in place.")] = False,
    diff: Annotated[
        bool, typer.Option("--diff", help="With --fix: show the changes, write nothing.")
    ] = False,
    explain: Annotated[str | None, typer.Option(help="Print a rule's page.", show_default=False)] = None,
    project: ProjectOption = None,
    format: Annotated[str, typer.Option("--format", help="text, json or github.")] = "text",  # noqa: A002
) -> None:
    """Lint releases, model and dataset folders, and cards."""
    from publisher.checks import report as writing
    from publisher.checks.registry import explain as page
    from publisher.cli.output import Format
    from publisher.records.findings import together

    if explain is not None:
        Output().result(page(explain))
        return
    if format not in ("text", "json", "github"):
        raise typer.BadParameter(f"{format!r} is none of text, json, github", param_hint="--format")
    if not targets:
        raise typer.BadParameter("name a release, a folder or a README.md", param_hint="TARGET")
    if fix or diff:
        for target in targets:
            _mend(Path(target), tuple(select or ()), tuple(ignore or ()), write=not diff)
        if diff:
            return
    seen = [
        one for target in targets for one in _look(target, project, tuple(select or ()), tuple(ignore or ()))
    ]
    whole = together([report for report, _ in seen])
    if format == "json":
        document = writing.to_json(whole)
        Output(Format.JSON).document("check", {k: v for k, v in document.items() if k != "schema"})
    for report, source in seen:
        if format != "json":
            Output().result(
                writing.to_text(report, source) if format == "text" else writing.to_github(report)
            )
    failing = ("error", "warning") if strict else ("error",)
    if any(whole.summary[severity] for severity in failing):
        raise typer.Exit(Exit.FAILED)


def _look(
    target: str, project: Path | None, select: tuple[str, ...], ignore: tuple[str, ...]
) -> list[tuple[Report, Source]]:
    """Check one target: a folder, a README, or a release, which means every artifact in its workspace."""
    from publisher.checks.run import check_card, check_folder
    from publisher.checks.source import CardSource, FolderSource

    path = Path(target)
    if path.is_dir():
        return [(check_folder(path, target=target, select=select, ignore=ignore), FolderSource(path))]
    if path.is_file():
        return [(check_card(path, target=target, select=select, ignore=ignore), CardSource(path))]
    return [
        (check_folder(f, target=f"{target}/{f.name}", select=select, ignore=ignore), FolderSource(f))
        for f in _artifacts(target, project)
    ]


def _mend(path: Path, select: tuple[str, ...], ignore: tuple[str, ...], *, write: bool) -> None:
    """Mend one folder or card, or show how; what is generated is not mended by hand.

    Raises:
        HubpubError: HP-M09, the target is a release or not there.
    """
    from publisher.checks.fix import mended
    from publisher.checks.registry import choose
    from publisher.checks.source import CardSource, FolderSource
    from publisher.checks.target import RepoView

    if not path.exists():
        raise HubpubError(
            "HP-M09",
            f"--fix mends folders and cards, and {path} is neither",
            hint="a release's cards are generated: change its release.yaml",
        )
    source = FolderSource(path) if path.is_dir() else CardSource(path)
    for name, (before, after) in mended(RepoView(source), choose(select, ignore)).items():
        file = path / name if path.is_dir() else path
        if write:
            if (
                not file.is_symlink()
            ):  # what it points to may belong to somebody else, such as the Hub's cache
                file.write_bytes(after)
                Output().talk(f"mended {file}")
            continue
        old, new = (text.decode("utf-8", "replace").splitlines(keepends=True) for text in (before, after))
        Output().result("".join(unified_diff(old, new, fromfile=f"a/{name}", tofile=f"b/{name}")))


def _artifacts(name: str, project: Path | None) -> list[Path]:
    """The artifact folders of a release.

    Raises:
        HubpubError: HP-M02 where there is no such release, HP-R03 where nothing of it was made here.
    """
    from publisher.cli.session import open_project

    try:
        opened = open_project(project)
        known = name in opened.names()
    except HubpubError:
        known = False
    if not known:
        raise HubpubError(
            "HP-M02",
            f"{name!r} is neither a release, a folder nor a file",
            hint="hubpub check README.md, or hubpub check FOLDER",
        )
    workspace = opened.release(name).workspace
    folders = sorted(f for f in (workspace / "artifacts").glob("*/") if f.suffix != ".tmp")
    if not folders:
        raise HubpubError(
            "HP-R03",
            f"nothing of {name} lies in the workspace",
            where=str(workspace),
            hint=f"hubpub release {name} --until check --hub local",
        )
    return folders
