"""Receipts: what was staged, proven and published."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from publisher.records.artifacts import FileRecord, Kind, RepoType
from publisher.records.changes import Earlier
from publisher.records.facts import Json
from publisher.records.versions import precedence

# static: the bytes are compared. load: it loads as well. run: it also answers, and the card's code runs.
ProofLevel = Literal["static", "load", "run"]
PROOF_LEVELS: tuple[ProofLevel, ...] = get_args(ProofLevel)  # from the least that can be shown to the most


def least(levels: Iterable[ProofLevel]) -> ProofLevel:
    """The level that all of several reach; `run` of none."""
    return min(levels, key=PROOF_LEVELS.index, default="run")


@dataclass(frozen=True)
class Version:
    """The version of this release on this Hub, decided before words are written about it."""

    number: str
    released: bool = False  # every repo has this version's tag, with these very contents
    earlier: Mapping[Kind, Earlier] = field(default_factory=dict)  # what each repo carried before it
    withdrawn: tuple[str, ...] = ()  # all versions that were rolled back on this Hub

    @property
    def withdrawn_since(self) -> tuple[str, ...]:
        """The withdrawn versions that are newer than this one: what its cards warn of."""
        return tuple(number for number in self.withdrawn if precedence(number) > precedence(self.number))

    @property
    def tag(self) -> str:
        """The tag that carries this version."""
        return f"v{self.number}"

    @property
    def digest(self) -> str:
        """What depends on a version depends on its number, and on what is withdrawn since."""
        return " ".join((self.number, *self.withdrawn_since))


@dataclass(frozen=True)
class Staged:
    """Where each repo's new state waits: repo id → commit on the staging branch (main's head if nothing changed).

    `sent` are the bytes that went there, `known` those that the Hub had already.
    """

    commits: Mapping[str, str]
    changed: tuple[str, ...] = ()  # ids of the repos whose files change
    proposals: Mapping[str, int] = field(default_factory=dict)  # repo id → pull request it waits on
    sent: int = 0
    known: int = 0


@dataclass(frozen=True)
class Proof:
    """What was shown about one repo's staged state."""

    kind: Kind
    level: ProofLevel
    commit: str
    files_fetched: int
    bytes_fetched: int
    details: Mapping[str, Json]
    recalled: bool = False  # model and code are those of an earlier proof, which stands


@dataclass(frozen=True)
class Proven:
    """The proofs of all repos: nothing is promoted before all of them stand."""

    proofs: tuple[Proof, ...]


@dataclass(frozen=True)
class PullRequest:
    """One repo's new state, waiting for its maintainers."""

    repo_id: str
    number: int
    url: str
    commit: str


@dataclass(frozen=True)
class Proposed:
    """What was put to the maintainers, instead of being promoted."""

    pull_requests: tuple[PullRequest, ...]


@dataclass(frozen=True)
class Promoted:
    """Repo id → commit on `main`."""

    commits: Mapping[str, str]
    collection: str | None = None


@dataclass(frozen=True)
class RepoReceipt:
    """What one repo holds after the release."""

    repo_id: str
    repo_type: RepoType
    artifact: Kind
    commit: str
    tag: str
    visibility: Literal["private", "public"]
    files: tuple[FileRecord, ...]
    proof: ProofLevel | None = None  # None: nothing of it changed, so nothing was proven anew
    signed_by: str | None = None  # fingerprint of the public key; None where nothing is signed


@dataclass(frozen=True)
class Receipt:
    """What was published: kept per Hub, and never containing a token or a path of this machine.

    `proof` is the level that all repos reach that were proven now.
    """

    name: str
    version: str
    hub: str
    proof: ProofLevel
    repos: tuple[RepoReceipt, ...]
    checks: Mapping[str, Json]
    environment: Mapping[str, str]
    schema: Literal["hubpub/receipt/1"] = "hubpub/receipt/1"


@dataclass(frozen=True)
class Reproof:
    """What was shown about a repo after its release. `size` is in bytes, `told` says what was done besides fetching."""

    repo_id: str
    commit: str
    files: int
    size: int
    told: str
    signed_by: str | None = None  # fingerprint of the public key; None where no signature was asked for
