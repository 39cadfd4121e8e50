"""Plans: what a release would change on the Hub, repo by repo. Printed before anything is sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from publisher.records.artifacts import FileRecord, Kind, RepoRef
from publisher.records.digest import digest

Op = Literal["create", "upload", "unchanged", "delete", "rename", "visibility", "tag"]


@dataclass(frozen=True)
class Package:
    """Everything that one repo shall hold: contents and card. `folder` is None when only the lock knows them."""

    kind: Kind
    ref: RepoRef
    folder: str | None
    contents: tuple[FileRecord, ...]
    card: tuple[FileRecord, ...]
    private: bool

    @property
    def files(self) -> tuple[FileRecord, ...]:
        """All files, sorted by path."""
        return tuple(sorted((*self.contents, *self.card)))

    @property
    def digest(self) -> str:
        """Digest of all files."""
        return digest([[f.path, f.size, f.sha256] for f in self.files])


@dataclass(frozen=True)
class Step:
    """One line of a plan. `path` is a file, a tag, a branch (`refs/heads/…`) or the visibility aimed at."""

    op: Op
    path: str | None = None
    size: int | None = None
    sha256: str | None = None
    note: str = ""


@dataclass(frozen=True)
class RepoPlan:
    """What happens to one repo. `head` is the commit of `main` that the plan was made against."""

    ref: RepoRef
    artifact: Kind
    exists: bool
    head: str | None
    operations: tuple[Step, ...]

    @property
    def changes(self) -> tuple[Step, ...]:
        """The operations that do something."""
        return tuple(step for step in self.operations if step.op != "unchanged")

    @property
    def touches_files(self) -> bool:
        """Whether files of `main` change, so that something must be staged."""
        return bool(self.file_changes)

    @property
    def file_changes(self) -> tuple[Step, ...]:
        """The uploads, and the deletions of files."""
        return tuple(
            step
            for step in self.changes
            if step.op == "upload" or (step.op == "delete" and not str(step.path).startswith("refs/"))
        )

    @property
    def bytes_to_upload(self) -> int:
        """Bytes of the files to upload."""
        return sum(step.size or 0 for step in self.operations if step.op == "upload")


@dataclass(frozen=True)
class Plan:
    """The difference between what should be and what the Hub has."""

    hub: str  # address
    host: str
    name: str
    version: str  # 1.0.0
    label: str  # 1.0.0, or 1.0.0+card.2 for a card revision
    repos: tuple[RepoPlan, ...]

    @property
    def changes_anything(self) -> bool:
        """Whether there is anything to do."""
        return any(repo.changes for repo in self.repos)

    @property
    def bytes_to_upload(self) -> int:
        """Bytes to upload over all repos."""
        return sum(repo.bytes_to_upload for repo in self.repos)

    @property
    def branch(self) -> str:
        """The branch that this version is staged on."""
        return f"hubpub/v{self.label}"

    @property
    def tag(self) -> str:
        """The tag of this version."""
        return f"v{self.version}"

    @property
    def digest(self) -> str:
        """What the commits' trailer carries."""
        return digest(
            [self.host, self.name, self.label, [[r.ref.repo_id, list(r.operations)] for r in self.repos]]
        )

    def repo(self, kind: Kind) -> RepoPlan:
        """The plan of one artifact's repo."""
        return next(repo for repo in self.repos if repo.artifact == kind)
