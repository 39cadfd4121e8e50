"""Receipts: what was staged, proven and published."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from publisher.records.artifacts import FileRecord, Kind, RepoType
from publisher.records.facts import Json

ProofLevel = Literal["static", "load", "run"]


@dataclass(frozen=True)
class Version:
    """The version of this release on this Hub, decided before words are written about it."""

    number: str
    released: bool = False  # every repo has this version's tag, with these very contents

    @property
    def tag(self) -> str:
        """The tag that carries this version."""
        return f"v{self.number}"

    @property
    def digest(self) -> str:
        """What depends on a version depends on its number."""
        return self.number


@dataclass(frozen=True)
class Staged:
    """Where each repo's new state waits: repo id → commit on the staging branch (main's head if nothing changed)."""

    commits: Mapping[str, str]
    changed: tuple[str, ...] = ()  # ids of the repos whose files change


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


@dataclass(frozen=True)
class Receipt:
    """What was published: kept per Hub, and never containing a token or a path of this machine."""

    name: str
    version: str
    hub: str
    proof: ProofLevel
    repos: tuple[RepoReceipt, ...]
    checks: Mapping[str, Json]
    environment: Mapping[str, str]
    schema: Literal["hubpub/receipt/1"] = "hubpub/receipt/1"
