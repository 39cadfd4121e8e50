"""The calls that hubpub makes on a Hub, as a Protocol. `remote.py` is the one implementation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from publisher.errors import HubpubError
from publisher.records.artifacts import RepoRef


@dataclass(frozen=True)
class Account:
    """Who the token belongs to, and which namespaces it names.

    Attributes:
        name: the user; of a keyless job what it says of itself.
        organisations: those that the user is in.
        role: of the token: `read`, `write`, `fineGrained`; empty where the Hub does not say.
        roles: of the user in each organisation, as far as the Hub says.
        scopes: of a fine-grained token: what it may do in which namespace or repo.
    """

    name: str
    organisations: tuple[str, ...]
    role: str = ""
    roles: Mapping[str, str] = field(default_factory=dict)
    scopes: Mapping[str, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class RemoteFile:
    """One file at one revision. `sha256` is known for LFS files, `blob_id` (git's sha1) for all."""

    path: str
    size: int
    blob_id: str
    sha256: str | None


@dataclass(frozen=True)
class RepoState:
    """What a repo looks like from outside. `ref` is what the Hub calls it now: of a renamed repo, its new name."""

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
    author: str = ""


@dataclass(frozen=True)
class Proposal:
    """A pull request."""

    number: int
    title: str
    status: Literal["draft", "open", "merged", "closed"]
    author: str

    @property
    def branch(self) -> str:
        """The ref that holds its commits, and that a commit to it names."""
        return f"refs/pr/{self.number}"

    @property
    def live(self) -> bool:
        """Whether it still takes commits and may be merged."""
        return self.status in ("draft", "open")


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


@dataclass(frozen=True)
class JobRequest:
    """A command for a machine that the Hub rents out.

    Attributes:
        namespace: who pays for it.
        image: of the container.
        flavor: the machine's kind, as the Hub names it: `a100-large`.
        timeout_s: it is ended after so many seconds.
        secrets: names of environment variables that the command gets; their values are looked up when it is sent, and
            stand in nothing else.
        bucket: `owner/name` of a private folder on the Hub, mounted at `mount`, that files go in and out by.
    """

    name: str
    namespace: str
    image: str
    command: tuple[str, ...]
    flavor: str
    timeout_s: int
    secrets: tuple[str, ...]
    bucket: str
    mount: str


Operation = Add | Copy | Delete

Heard = Callable[[int, bool], None]  # so many bytes more, and whether the Hub had them already


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

    @property
    def is_keyless(self) -> bool:
        """Whether a CI job writes with a token for each repo: files, branches, tags; no new repo, no settings."""

    @property
    def sends_chunks(self) -> bool:
        """Whether large files go over Xet: chunk by chunk, and only those that the Hub does not have."""

    def account(self) -> Account:
        """Who we are."""

    def unreachable(self) -> HubpubError | None:
        """Why no Hub answers there; None where one does, whatever it says."""

    def state(self, ref: RepoRef) -> RepoState | None:
        """The repo's state; None where it does not exist or may not be seen."""

    def tree(self, ref: RepoRef, revision: str) -> tuple[RemoteFile, ...]:
        """All files at a revision, sorted by path."""

    def read(self, ref: RepoRef, revision: str, path: str) -> Iterator[bytes]:
        """A file's bytes, as served, in pieces."""

    def read_range(self, ref: RepoRef, revision: str, path: str, start: int, stop: int) -> bytes:
        """The bytes of a file from `start` up to `stop`, fewer where it ends before; no others are fetched."""

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
        on_bytes: Heard | None = None,
    ) -> str:
        """Make ONE commit on a branch whose head must still be `parent`; returns the commit's id.

        Not retried: whether a commit whose answer was lost exists is found by looking at the branch.
        `on_bytes` hears of bytes as they leave, and of files that need not be sent.
        """

    def create_branch(self, ref: RepoRef, branch: str, *, at: str) -> None:
        """Create a branch at a commit."""

    def delete_branch(self, ref: RepoRef, branch: str) -> None:
        """Delete a branch; one that is not there is no fault."""

    def create_tag(self, ref: RepoRef, tag: str, *, at: str, message: str) -> None:
        """Create an annotated tag at a commit; a tag of that name at another commit is HP-H05."""

    def delete_tag(self, ref: RepoRef, tag: str) -> None:
        """Delete a tag; one that is not there is no fault."""

    def set_visibility(self, ref: RepoRef, *, private: bool) -> None:
        """Make a repo private or public."""

    def move(self, old: RepoRef, new: RepoRef) -> None:
        """Give a repo another name; the old one leads to it from then on. Not retried: the old id is gone then."""

    def proposals(self, ref: RepoRef) -> tuple[Proposal, ...]:
        """All pull requests of a repo, newest first."""

    def propose(self, ref: RepoRef, *, title: str, text: str) -> None:
        """Make a draft of a pull request that changes nothing yet. Not retried: there would be two."""

    def retitle_proposal(self, ref: RepoRef, number: int, title: str) -> None:
        """Give a pull request another title."""

    def comments(self, ref: RepoRef, number: int) -> tuple[str, ...]:
        """What was said in a pull request, oldest first."""

    def comment(self, ref: RepoRef, number: int, text: str) -> None:
        """Say something in a pull request. Not retried: it would be said twice."""

    def open_proposal(self, ref: RepoRef, number: int) -> None:
        """Make an open pull request of a draft."""

    def add_to_collection(self, owner: str, title: str, refs: Sequence[RepoRef]) -> str:
        """Put repos into the owner's collection of that title, made if need be; returns its slug."""

    def collection_of(self, ref: RepoRef, owner: str, title: str) -> str | None:
        """The slug of the owner's collection of that title, if the repo is seen in it."""

    def fill_bucket(self, bucket: str, files: Mapping[str, Path]) -> None:
        """Put files into a bucket, made private if need be; others that are in it stay."""

    def run_job(self, request: JobRequest) -> str:
        """Have a command run, and return the address that it can be watched at. Not retried: it would run twice."""

    def refusal(self, ref: RepoRef, *, write: bool = False) -> HubpubError | None:
        """Why the files of a repo may not be read, or written; None where they may."""
