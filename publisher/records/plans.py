"""Plans: what a release would change on the Hub, repo by repo. Printed before anything is sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from publisher.records.artifacts import README, RENDERING, FileRecord, Kind, RepoRef
from publisher.records.digest import digest

Op = Literal["create", "upload", "unchanged", "delete", "rename", "visibility", "tag"]


@dataclass(frozen=True)
class Edit:
    """One edit that someone made to a README on the Hub, and what becomes of it.

    Attributes:
        place: a heading, or a field of the front matter.
        kept: False: ours takes its place.
        why: what it is about: a section of theirs, prose, a fact, code, …
        ours, theirs: both sides, as text; empty where there is nothing.
        path: the prose file that it belongs into, where it is kept and was made in an author's prose.
    """

    place: str
    kept: bool
    why: str
    ours: str
    theirs: str
    path: str = ""


@dataclass(frozen=True)
class Readme:
    """A repo's README as `main` shall hold it: the card as rendered, with the edits that others made on the Hub.

    `found` is the blob id of the README on `main` that was looked at; None where there was none.
    """

    text: str
    rendering: str
    edits: tuple[Edit, ...] = ()
    found: str | None = None

    @property
    def texts(self) -> dict[str, str]:
        """Repo path → text. What was rendered stands beside a README that differs: the next merge starts from it."""
        return {README: self.text} | ({RENDERING: self.rendering} if self.text != self.rendering else {})

    @property
    def told(self) -> str:
        """What became of the edits, in a few words; empty where there are none."""
        kept = sum(edit.kept for edit in self.edits)
        said = [f"kept {_edits(kept)} made on the Hub"] if kept else []
        if over := len(self.edits) - kept:
            said.append(f"{over} overridden" if kept else f"{_edits(over)} made on the Hub overridden")
        return ", ".join(said)


def _edits(count: int) -> str:
    return f"{count} edit" if count == 1 else f"{count} edits"


@dataclass(frozen=True)
class Package:
    """Everything that one repo shall hold: contents and card. `folder` is None when only the lock knows them."""

    kind: Kind
    ref: RepoRef
    folder: str | None
    contents: tuple[FileRecord, ...]
    card: tuple[FileRecord, ...]
    private: bool
    readme: Readme | None = None  # None: nobody has looked at the Hub's yet

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
    """One line of a plan. `path` is a file, a tag, a branch (`refs/heads/…`), the visibility aimed at or a former id."""

    op: Op
    path: str | None = None
    size: int | None = None
    sha256: str | None = None
    note: str = ""
    edits: tuple[Edit, ...] = ()  # of a README

    @property
    def left_to_others(self) -> bool:
        """Whether the file stays as someone left it on the Hub, whatever it is here."""
        return self.op == "unchanged" and bool(self.note) and not self.edits


@dataclass(frozen=True)
class Seen:
    """What a plan saw of a repo, besides its head: held against the Hub again before anything is changed there."""

    repo_id: str  # the former one where the repo is to be renamed
    private: bool
    gated: bool


@dataclass(frozen=True)
class RepoPlan:
    """What happens to one repo. `head` is the commit of `main` that the plan was made against.

    `known_bytes` of the files to upload are on the Hub in other files, and do not travel where it takes chunks (Xet).
    """

    ref: RepoRef
    artifact: Kind
    exists: bool
    head: str | None
    operations: tuple[Step, ...]
    seen: Seen | None = None  # None for a repo that was not there
    known_bytes: int = 0

    @property
    def renamed_from(self) -> str | None:
        """The former id, of a repo that gets another one."""
        return next((step.path for step in self.operations if step.op == "rename"), None)

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
class Supersede:
    """An older repo whose card shall name the one that replaces it, in its field `new_version`."""

    ref: RepoRef
    new: str  # Hub id
    was: str | None = None  # what that field holds now


@dataclass(frozen=True)
class Plan:
    """The difference between what should be and what the Hub has."""

    hub: str  # address
    host: str
    name: str
    version: str  # 1.0.0
    label: str  # 1.0.0, or 1.0.0+card.2 for a card revision
    repos: tuple[RepoPlan, ...]
    superseded: tuple[Supersede, ...] = ()  # repos of no release of ours, last of all

    @property
    def changes_anything(self) -> bool:
        """Whether there is anything to do."""
        return any(repo.changes for repo in self.repos) or bool(self.superseded)

    @property
    def bytes_to_upload(self) -> int:
        """Bytes to upload over all repos."""
        return sum(repo.bytes_to_upload for repo in self.repos)

    @property
    def known_bytes(self) -> int:
        """Bytes of these that the Hub has, over all repos."""
        return sum(repo.known_bytes for repo in self.repos)

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
        """What the commits' trailer carries: the files that the repos shall hold, however far it has come."""
        outcome = [
            [
                r.ref.repo_id,
                sorted([str(s.path), s.sha256] for s in r.operations if s.op in ("upload", "unchanged")),
            ]
            for r in self.repos
        ]
        return digest([self.host, self.name, self.label, outcome])

    def repo(self, kind: Kind) -> RepoPlan:
        """The plan of one artifact's repo."""
        return next(repo for repo in self.repos if repo.artifact == kind)
