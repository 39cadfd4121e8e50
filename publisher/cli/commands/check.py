"""hubpub check: lint releases, folders, READMEs and published repos, and hold their statements against their files.

Reads, runs nothing.
"""

from __future__ import annotations

import re
from contextlib import ExitStack
from difflib import unified_diff
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from publisher.cli.options import HubOption, ProjectOption
from publisher.cli.output import Output
from publisher.errors import Exit, HubpubError

if TYPE_CHECKING:
    from publisher.checks.source import Source
    from publisher.records.findings import Report

_REPO = re.compile(r"[\w.-]+/[\w.-]+(?<!\.md)(?:@.+)?", re.ASCII)  # a lost README.md is no repo


def check(
    targets: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="TARGET…",
            help="Release names, folders, README files, repos: hf://OWNER/REPO[@REV], or OWNER/REPO.",
            show_default=False,
        ),
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
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="List every statement, not only what does not hold.")
    ] = False,
    hub: HubOption = None,
    project: ProjectOption = None,
    format: Annotated[str, typer.Option("--format", help="text, json or github.")] = "text",  # noqa: A002
) -> None:
    """Lint releases, folders, cards and published repos, and recompute what they state."""
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
        raise typer.BadParameter("name a release, a folder, a README.md or a repo", param_hint="TARGET")
    if fix or diff:
        for target in targets:
            _mend(Path(target), tuple(select or ()), tuple(ignore or ()), write=not diff)
        if diff:
            return
    chosen = tuple(select or ()), tuple(ignore or ())
    with ExitStack() as hubs:  # a published repo's lines are shown from its Hub
        seen = [one for target in targets for one in _look(target, hub, project, *chosen, hubs)]
        whole = together([report for report, _ in seen])
        if format == "json":
            document = writing.to_json(whole)
            Output(Format.JSON).document("check", {k: v for k, v in document.items() if k != "schema"})
        for report, source in seen:
            if format == "text":
                Output().result(writing.to_text(report, source, every_statement=verbose))
            elif format == "github":
                Output().result(writing.to_github(report))
    failing = ("error", "warning") if strict else ("error",)
    if any(whole.summary[severity] for severity in failing):
        raise typer.Exit(Exit.FAILED)


def _look(
    target: str,
    hub: str | None,
    project: Path | None,
    select: tuple[str, ...],
    ignore: tuple[str, ...],
    hubs: ExitStack,
) -> list[tuple[Report, Source]]:
    """Check one target: a folder, a README, a repo, or a release, which means every artifact in its workspace."""
    from publisher.checks.run import check_card, check_folder
    from publisher.checks.source import CardSource, FolderSource

    path = Path(target)
    if path.is_dir():
        return [(check_folder(path, target=target, select=select, ignore=ignore), FolderSource(path))]
    if path.is_file():
        return [(check_card(path, target=target, select=select, ignore=ignore), CardSource(path))]
    if _names_repo(target):
        return [_look_at_repo(target, hub, project, select, ignore, hubs)]
    return [
        (check_folder(f, target=f"{target}/{f.name}", select=select, ignore=ignore), FolderSource(f))
        for f in _artifacts(target, project)
    ]


def _names_repo(target: str) -> bool:
    return target.startswith("hf://") or _REPO.fullmatch(target) is not None


def _look_at_repo(
    target: str,
    hub: str | None,
    project: Path | None,
    select: tuple[str, ...],
    ignore: tuple[str, ...],
    hubs: ExitStack,
) -> tuple[Report, Source]:
    """Check what a Hub has at an address, without downloading its weights."""
    from publisher.checks.registry import choose
    from publisher.checks.run import check_view
    from publisher.cli.session import open_hub, open_project_or_folder
    from publisher.pipeline.foreign import parse_place
    from publisher.pipeline.remote_check import look_at

    rules = choose(select, ignore)
    place = parse_place(target if target.startswith("hf://") else f"hf://{target}")
    opened = open_hub(hub, None, open_project_or_folder(project), look_only=True)
    view = look_at(place, hubs.enter_context(opened).for_reading())
    return check_view(view, rules, target), view.source


def _mend(path: Path, select: tuple[str, ...], ignore: tuple[str, ...], *, write: bool) -> None:
    """Mend one folder or card, or show how; what is generated is not mended by hand.

    Raises:
        HubpubError: HP-M09, the target is a release or not there.
    """
    from publisher.checks.fix import mended
    from publisher.checks.observe.target import RepoView
    from publisher.checks.registry import choose
    from publisher.checks.source import CardSource, FolderSource

    if not path.exists():
        raise HubpubError(
            "HP-M09",
            f"--fix mends folders and cards, and {path} is neither",
            hint="a release's cards are generated: change its release.yaml; a repo is mended in its folder",
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
            hint="hubpub check README.md, hubpub check FOLDER, or hubpub check hf://OWNER/REPO",
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
