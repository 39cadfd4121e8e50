"""Rollbacks: what taking back a version would change on the Hub, repo by repo, and what was done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from publisher.records.artifacts import Kind, RepoRef, RepoType
from publisher.records.digest import digest


@dataclass(frozen=True)
class RepoRollback:
    """What happens to one repo.

    Attributes:
        now: the label of what `main` holds, such as 1.1.0+card.2; None where nothing of ours is there.
        head: the commit of `main` that the plan saw.
        source: the commit of the version's tag; None where the repo was no part of the version.
        copied: files taken from there by the Hub itself, and their bytes in all.
        deleted: files of newer versions; `kept`: files of others that stay as they are.
        readme: the README as it is written anew, with its banner; None where it is taken as it was.
        outcome: path → git blob id of everything that `main` shall hold, without the Hub's own files.
        withdraws: the newer versions that `main` has held.
        branches, tags: what newer versions left staged and proven, and what goes.
        becomes_private: a release that was never completed is not to be seen.
        note: why nothing happens to it, where there is a reason to say so.
    """

    kind: Kind
    ref: RepoRef
    now: str | None
    head: str
    source: str | None = None
    copied: tuple[str, ...] = ()
    bytes_copied: int = 0
    deleted: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    readme: bytes | None = None
    outcome: Mapping[str, str] = field(default_factory=dict)
    withdraws: tuple[str, ...] = ()
    branches: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    becomes_private: bool = False
    note: str = ""

    @property
    def touches_main(self) -> bool:
        """Whether there is a commit to make."""
        return bool(self.copied or self.deleted or self.readme is not None)

    @property
    def changes_anything(self) -> bool:
        """Whether there is anything to do."""
        return self.touches_main or bool(self.branches or self.tags) or self.becomes_private


@dataclass(frozen=True)
class RollbackPlan:
    """What a rollback changes: those repos first that point to others.

    Attributes:
        hub: address; `host`: what journals are kept under.
        version: what `main` shall hold; None where a first release that was never completed is taken back.
        withdrawn: every version that is withdrawn once this is done.
        whole: whether every repo that was part of the version holds it once this is done.
    """

    hub: str
    host: str
    name: str
    version: str | None
    repos: tuple[RepoRollback, ...]
    withdrawn: tuple[str, ...] = ()
    whole: bool = True

    @property
    def changes_anything(self) -> bool:
        """Whether there is anything to do."""
        return any(repo.changes_anything for repo in self.repos)

    @property
    def mark(self) -> str:
        """The trailer of its commits. It names the heads, so that going back, forth and back again are three plans."""
        heads = digest([self.host, self.name, self.version, [[r.ref.repo_id, r.head] for r in self.repos]])
        return f"hubpub: {self.name} {self.version} {heads[:16]}"


@dataclass(frozen=True)
class RepoRolledBack:
    """What a rollback did to one repo. `was` is the label that `main` held at the commit `before`; paths in the rest."""

    repo_id: str
    repo_type: RepoType
    artifact: Kind
    was: str | None
    before: str
    commit: str
    copied: tuple[str, ...]
    deleted: tuple[str, ...]
    kept: tuple[str, ...]
    became_private: bool


@dataclass(frozen=True)
class RollbackReceipt:
    """What a rollback did: kept per Hub beside the receipts of releases, without a token or a path of this machine.

    `version` is what `main` holds now; None where a first release that was never completed was taken back.
    """

    name: str
    version: str | None
    hub: str
    withdrawn: tuple[str, ...]
    repos: tuple[RepoRolledBack, ...]
    environment: Mapping[str, str]
    schema: Literal["hubpub/rollback-receipt/1"] = "hubpub/rollback-receipt/1"


def receipt_of(
    plan: RollbackPlan, commits: Mapping[str, str], environment: Mapping[str, str]
) -> RollbackReceipt:
    """Put it together. `commits`: repo id → commit that `main` is at now."""
    repos = tuple(
        RepoRolledBack(
            repo_id=repo.ref.repo_id,
            repo_type=repo.ref.repo_type,
            artifact=repo.kind,
            was=repo.now,
            before=repo.head,
            commit=commits[repo.ref.repo_id],
            copied=repo.copied,
            deleted=repo.deleted,
            kept=repo.kept,
            became_private=repo.becomes_private,
        )
        for repo in plan.repos
    )
    return RollbackReceipt(plan.name, plan.version, plan.hub, plan.withdrawn, repos, dict(environment))
