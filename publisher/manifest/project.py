"""Where things are kept: the project's folders and one release's files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from publisher.errors import HubpubError
from publisher.records.artifacts import Kind
from publisher.records.stand_in import WORKSPACE


@dataclass(frozen=True)
class ReleasePaths:
    """The files of one release: what is committed, and the workspace that may be deleted at any time.

    A rehearsal with a stand-in reads the folder and writes nothing there: its lock and cards are in its workspace.
    """

    name: str
    folder: Path  # model_cards/<name>
    workspace: Path  # .hubpub/<name>, or .hubpub/<name>@stand-in
    stand_in: bool = False

    @property
    def manifest(self) -> Path:
        """What should exist."""
        return self.folder / "release.yaml"

    @property
    def lock(self) -> Path:
        """What exists; committed to git."""
        return self._kept / "release.lock.json"

    def card(self, kind: Kind) -> Path:
        """A rendered card; committed, so that a review shows its difference."""
        return self._kept / "cards" / f"{kind}.md"

    @property
    def _kept(self) -> Path:
        """Where what a release leaves is kept."""
        return self.workspace if self.stand_in else self.folder

    def artifact(self, kind: Kind) -> Path:
        """Exactly what will be on the Hub."""
        return self.workspace / "artifacts" / kind

    @property
    def outline(self) -> Path:
        """The base where its weights stayed on the Hub. Apart from artifacts: to whoever loads it, holes are zeros."""
        return self.workspace / "outlines" / "base"

    @property
    def evidence(self) -> Path:
        """Measured values, one file a stage."""
        return self.workspace / "evidence"

    @property
    def facts(self) -> Path:
        """All facts of the last run."""
        return self.workspace / "facts.json"

    @property
    def hashes(self) -> Path:
        """What files hashed to when stat last said the same of them."""
        return self.workspace / "hashes.json"

    @property
    def stages(self) -> Path:
        """What the runner remembers of each stage."""
        return self.workspace / "stages"

    @property
    def scratch(self) -> Path:
        """Where stages keep work in progress, and children have their HOME."""
        return self.workspace / "scratch"

    def hub(self, host: str) -> Path:
        """Journal and receipts of one Hub: a rehearsal never makes the real release believe it is done."""
        return self.workspace / "hubs" / host


@dataclass(frozen=True)
class Project:
    """A folder that holds `model_cards/`."""

    root: Path

    @property
    def cards(self) -> Path:
        """The folder of manifests."""
        return self.root / "model_cards"

    @property
    def templates(self) -> Path:
        """The user's own templates, which override the built-in ones file by file."""
        return self.root / "templates"

    @property
    def workspace(self) -> Path:
        """The cache of all releases."""
        return self.root / ".hubpub"

    @property
    def local_hub(self) -> Path:
        """Data of the embedded Hub."""
        return self.workspace / "_hub"

    def release(self, name: str, *, stand_in: bool = False) -> ReleasePaths:
        """The files of one release, whether they exist or not; `stand_in`: those of its rehearsal."""
        workspace = f"{name}{WORKSPACE}" if stand_in else name
        return ReleasePaths(name, self.cards / name, self.workspace / workspace, stand_in)

    def names(self) -> list[str]:
        """The releases that have a manifest."""
        return sorted(path.parent.name for path in self.cards.glob("*/release.yaml"))


def find_project(start: Path) -> Project:
    """The nearest folder from `start` upwards that holds `model_cards/`.

    Raises:
        HubpubError: HP-M03 where there is none.
    """
    for folder in (start, *start.parents):
        if (folder / "model_cards").is_dir():
            return Project(folder)
    raise HubpubError(
        "HP-M03",
        "no project here: neither this folder nor a parent holds model_cards/",
        where=str(start),
        hint="cd into the project, or: hubpub init NAME",
    )
