"""The calls that hubpub makes on a Hub, as a Protocol. `remote.py` is the one implementation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from publisher.records.artifacts import RepoRef


@dataclass(frozen=True)
class Account:
    """Who the token belongs to, and which namespaces it names."""

    name: str
    organisations: tuple[str, ...]


@dataclass(frozen=True)
class RemoteFile:
    """One file at one revision. `sha256` is known for LFS files, `blob_id` (git's sha1) for all."""

    path: str
    size: int
    blob_id: str
    sha256: str | None


@dataclass(frozen=True)
class RepoState:
    """What a repo looks like from outside."""

    ref: RepoRef
    private: bool
    gated: bool
    head: str | None  # commit of `main`; None for a repo without commits
    branches: dict[str, str]
    tags: dict[str, str]


@dataclass(frozen=True)
class Commit:
    """One commit of a branch."""

    id: str
    title: str
    message: str


@dataclass(frozen=True)
class Add:
    """Write a file: its bytes come from `source` (a path on this machine, or the bytes themselves)."""

    path: str
    source: Path | bytes


@dataclass(frozen=True)
class Copy:
    """Take a file as it is at another revision of the same repo; large files are not sent again."""

    path: str
    from_revision: str


@dataclass(frozen=True)
class Delete:
    """Remove a file."""

    path: str


Operation = Add | Copy | Delete


class Hub(Protocol):
    """A Hub that a release goes to.

    Every call raises `HubpubError`: HP-H01 unreachable, HP-H02 no valid token, HP-H03 no right,
    HP-H04 not found, HP-H05 conflict, HP-H06 any other refusal.
    """

    @property
    def endpoint(self) -> str:
        """The Hub's address."""

    @property
    def host(self) -> str:
        """Name that journals and receipts are kept under: the host name, or `local` for the embedded Hub."""

    @property
    def on_this_machine(self) -> bool:
        """Whether every resolved address of the endpoint is loopback."""

    def account(self) -> Account:
        """Who we are."""

    def state(self, ref: RepoRef) -> RepoState | None:
        """The repo's state; None where it does not exist or may not be seen."""

    def tree(self, ref: RepoRef, revision: str) -> tuple[RemoteFile, ...]:
        """All files at a revision, sorted by path."""

    def read(self, ref: RepoRef, revision: str, path: str) -> Iterator[bytes]:
        """A file's bytes, as served, in pieces."""

    def commits(self, ref: RepoRef, revision: str) -> tuple[Commit, ...]:
        """The history of a revision, newest first."""

    def create(self, ref: RepoRef, *, private: bool) -> None:
        """Create a repo; one that exists already is left as it is."""

    def commit(
        self,
        ref: RepoRef,
        branch: str,
        operations: Sequence[Operation],
        *,
        title: str,
        body: str,
        parent: str,
        on_bytes: Callable[[int], None] | None = None,
    ) -> str:
        """Make ONE commit on a branch whose head must still be `parent`; returns the commit's id.

        Not retried: whether a commit whose answer was lost exists is found by looking at the branch.
        `on_bytes` hears of each file that has arrived, by its size.
        """

    def create_branch(self, ref: RepoRef, branch: str, *, at: str) -> None:
        """Create a branch at a commit."""

    def delete_branch(self, ref: RepoRef, branch: str) -> None:
        """Delete a branch; one that is not there is no fault."""

    def create_tag(self, ref: RepoRef, tag: str, *, at: str, message: str) -> None:
        """Create an annotated tag at a commit; a tag of that name at another commit is HP-H05."""

    def set_visibility(self, ref: RepoRef, *, private: bool) -> None:
        """Make a repo private or public."""

    def add_to_collection(self, owner: str, title: str, refs: Sequence[RepoRef]) -> str:
        """Put repos into the owner's collection of that title, made if need be; returns its slug."""
