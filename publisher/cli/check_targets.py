"""What `hubpub check` looks at: a folder, a card, a published repo, or a release, which means all its artifacts."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from publisher.errors import HubpubError

if TYPE_CHECKING:
    from publisher.checks.observe.target import RepoView
    from publisher.checks.source import Source
    from publisher.records.findings import Report

_REPO = re.compile(r"[\w.-]+/[\w.-]+(?<!\.md)(?:@.+)?", re.ASCII)  # a lost README.md is no repo


@dataclass(frozen=True)
class Asked:
    """What the command line says of every target."""

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    hub: str | None = None
    project: Path | None = None
    run_code: bool = False
    deep: bool = False

    @property
    def options(self) -> str:
        """As they were typed."""
        pairs = [("--select", code) for code in self.select] + [("--ignore", code) for code in self.ignore]
        return "".join(f" {option} {shlex.quote(code)}" for option, code in pairs)


@dataclass(frozen=True)
class Looked:
    """One target that was checked.

    Attributes:
        place: its folder or its card; None for what lies on a Hub.
        typed: the folder or card as the user wrote it, empty where `--fix` has nothing to do with it.
    """

    report: Report
    source: Source
    place: Path | None
    typed: str = ""

    def path_from(self, root: Path, path: str) -> str:
        """Where a file of the target lies, as seen from a folder; what is not here is named by its repo."""
        if self.place is None:
            return f"{self.report.target.removeprefix('hf://').partition('@')[0]}/{path}"
        file = self._file(path)
        return os.path.relpath(file, os.path.realpath(root)).replace(os.sep, "/")

    def path_here(self, path: str) -> str:
        """The same from here; the whole path where that leads outside of here, and an `hf://` one on the Hub."""
        if self.place is None:
            return f"hf://{self.report.target.removeprefix('hf://')}/{path}"
        inside = self.path_from(Path(), path)
        return self._file(path) if inside.startswith("../") else inside

    def address(self, path: str) -> str:
        """The same as an address."""
        here = self.path_here(path)
        return f"file://{here}" if here.startswith("/") else here

    def _file(self, path: str) -> str:
        """A link in the target's folder stays what it is called there."""
        place = os.path.realpath(self.place or "")
        return os.path.join(place, path) if self.source.whole else place

    def has(self, path: str, root: Path) -> bool:
        """Whether a file, as seen from a folder, belongs to the target."""
        if not self.source.whole:
            return path == self.path_from(root, "README.md")
        inside = self.path_from(root, "")
        return not path.startswith("../") if inside == "." else path.startswith(f"{inside.rstrip('/')}/")


def look(target: str, asked: Asked, hubs: ExitStack) -> Iterator[Looked]:
    """Check one target. `hubs`: closed by whoever has shown the lines of a repo.

    Raises:
        HubpubError: there is no such target or rule, or as the Hub says.
    """
    from publisher.checks.observe.target import RepoView
    from publisher.checks.source import CardSource, FolderSource

    path = Path(target)
    if path.is_dir():
        yield _checked(RepoView(FolderSource(path)), target, path, asked, target)
    elif path.is_file():
        yield _checked(RepoView(CardSource(path)), target, path, asked, target)
    elif target.startswith("hf://") or _REPO.fullmatch(target):
        view, allowed = _published(target, asked, hubs)
        yield _checked(view, target, None, replace(asked, ignore=(*asked.ignore, *allowed)))
    else:
        for folder in _artifacts(target, asked.project):
            view = RepoView(FolderSource(folder))
            yield _checked(view, f"{target}/{folder.name}", folder, asked)


def _checked(view: RepoView, target: str, place: Path | None, asked: Asked, typed: str = "") -> Looked:
    from publisher.checks.registry import choose
    from publisher.checks.run import check_view

    rules = choose(asked.select, asked.ignore)
    if view.source.whole:  # a card alone has neither rows nor numbers
        from publisher.pipeline.tables import beside_the_files

        view = view.told(*beside_the_files(deep=asked.deep))
    if asked.run_code and place is not None:
        from publisher.cli.check_code import with_code_run

        view = with_code_run(view, rules, target, place, asked.project)
    report = check_view(view, rules, target)
    return Looked(report, view.source, place, typed)


def _published(target: str, asked: Asked, hubs: ExitStack) -> tuple[RepoView, tuple[str, ...]]:
    """What a Hub has at an address, without downloading its weights; and the rules that do not hold on this machine."""
    from publisher.cli.session import open_hub, open_project_or_folder
    from publisher.pipeline.foreign import parse_place
    from publisher.pipeline.remote_check import look_at
    from publisher.records.stand_in import RULE

    if asked.run_code:
        from publisher.cli.check_code import refuse_published

        raise refuse_published(target)
    place = parse_place(target if target.startswith("hf://") else f"hf://{target}")
    opened = open_hub(asked.hub, None, open_project_or_folder(asked.project), look_only=True)
    hub = hubs.enter_context(opened).for_reading()
    return look_at(place, hub), (RULE,) if hub.on_this_machine else ()


def _artifacts(name: str, project: Path | None) -> Sequence[Path]:
    """The folders of what a release publishes, in the order of promotion.

    Raises:
        HubpubError: HP-M02 where there is no such release, HP-R03 where nothing of it was made here.
    """
    from publisher.cli.session import open_project
    from publisher.pipeline.opened import Release

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
    release = Release.open(opened, name)
    workspace = release.paths.workspace
    # what lies there and is not released, such as a base of somebody else's, is nobody's to check
    folders = [folder for kind in release.identity.refs if (folder := release.paths.artifact(kind)).is_dir()]
    if not folders:
        raise HubpubError(
            "HP-R03",
            f"nothing of {name} lies in the workspace",
            where=str(workspace),
            hint=f"hubpub release {name} --until check --hub local",
        )
    return folders
