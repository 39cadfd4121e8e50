"""What is staged and proven on a Hub, and waits for its promotion: found by looking, so that any machine may promote it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from publisher.errors import HubpubError
from publisher.hub.port import Copy, Delete, Hub
from publisher.manifest.schema import VERSION
from publisher.records.artifacts import RepoRef
from publisher.records.runs import Identity
from publisher.records.versions import precedence
from publisher.release.conflict import same_repo
from publisher.release.on_hub import STAGING, RepoOnHub, version_of
from publisher.release.promote import Candidate, changes, standing
from publisher.release.proof_tag import level_proven, proof_tags

_LABEL = re.compile(rf"(?:{VERSION.pattern})(?:\+card\.\d+)?")


@dataclass(frozen=True)
class RepoWaiting:
    """One repo that is proven, and what is left to do there. `written` and `deleted` are paths on `main`."""

    candidate: Candidate
    written: tuple[str, ...]
    deleted: tuple[str, ...]
    tag: bool
    visibility: bool


@dataclass(frozen=True)
class Waiting:
    """A release that can be promoted; without `repos` it has been. `unchanged` are its other repos, at their commits."""

    hub: str
    name: str
    label: str
    repos: tuple[RepoWaiting, ...]
    unchanged: Mapping[RepoRef, str]

    @property
    def tag(self) -> str:
        """The tag of its version."""
        return f"v{version_of(self.label)}"

    @property
    def candidates(self) -> list[Candidate]:
        """What is proven, in the order of promotion."""
        return [repo.candidate for repo in self.repos]


def find_waiting(hub: Hub, identity: Identity, repos: Sequence[RepoOnHub]) -> Waiting:
    """Find the newest release that is staged, each repo of it proven or on `main` already. Reads only.

    Raises:
        HubpubError: HP-R02 where nothing is staged, or not everything is proven; HP-H05 where someone pushed to `main`
            or renamed a repo.
    """
    name, label = identity.name, _newest(repos)
    missing = sorted(identity.refs[kind].repo_id for kind in identity.refs.keys() - {r.kind for r in repos})
    if label is None or missing:
        there = f"; not there: {', '.join(missing)}" if missing else ""
        raise _nothing(hub, name, f"nothing of {name} is staged on this Hub{there}")
    version = version_of(label)
    candidates: list[Candidate] = []
    unchanged: dict[RepoRef, str] = {}
    unproven: list[str] = []
    for repo in repos:
        ref = identity.refs[repo.kind]
        if not same_repo(repo.ref, ref):
            raise _renamed(hub, name, ref, repo.ref)
        found = _candidate(repo, ref, label, private=identity.private[repo.kind])
        if found is not None:
            candidates.append(found)
        elif version in repo.tagged and STAGING + label not in repo.state.branches:
            unchanged[ref] = repo.head
        else:
            unproven.append(ref.repo_id)
    if unproven:
        raise _nothing(hub, name, f"{name} {label} is not proven in {', '.join(unproven)}")
    by_kind = {repo.kind: repo for repo in repos}
    waiting = tuple(_left_to_do(hub, each, by_kind[each.kind], version) for each in candidates)
    return Waiting(hub.endpoint, name, label, waiting, unchanged)


def _newest(repos: Iterable[RepoOnHub]) -> str | None:
    """The newest label that waits anywhere; where none does, the one that `main` has. Older ones were passed over."""
    known: set[str] = set()
    for repo in repos:
        staged = (branch for branch in repo.state.branches if branch.startswith(STAGING))
        known |= {branch.removeprefix(STAGING) for branch in staged}
        known |= {tag.label for tag in proof_tags(repo.state.tags)}
        known |= {repo.label} if repo.label else set()
    return max((label for label in known if _LABEL.fullmatch(label)), key=_order, default=None)


def _order(label: str) -> tuple[object, int]:
    return precedence(label), int(label.partition("+card.")[2] or 0)


def _candidate(repo: RepoOnHub, ref: RepoRef, label: str, *, private: bool) -> Candidate | None:
    """The commit that was proven for a label: the one that is staged, or where no file changes `main`'s own."""
    tags = repo.state.tags
    proven = next((tag.commit for tag in proof_tags(tags) if tag.label == label), None)
    commit = repo.state.branches.get(STAGING + label, proven)
    level = level_proven(tags, label, commit) if commit else None
    if commit is None or level is None:
        return None
    return Candidate(repo.kind, ref, commit, level, private)


def _left_to_do(hub: Hub, candidate: Candidate, repo: RepoOnHub, version: str) -> RepoWaiting:
    found = standing(hub, candidate)
    files = [] if found.head else changes(hub, candidate, found.parent)
    return RepoWaiting(
        candidate,
        written=tuple(each.path for each in files if isinstance(each, Copy)),
        deleted=tuple(each.path for each in files if isinstance(each, Delete)),
        tag=version not in repo.tagged,
        visibility=repo.state.private != candidate.private,
    )


def _nothing(hub: Hub, name: str, what: str) -> HubpubError:
    return HubpubError("HP-R02", what, where=hub.endpoint, hint=f"hubpub release {name} --until verify")


def _renamed(hub: Hub, name: str, ref: RepoRef, now: RepoRef) -> HubpubError:
    return HubpubError(
        "HP-H05",
        f"{ref.repo_id} was renamed on the Hub: it is {now.repo_id} now",
        where=f"{hub.endpoint}/{now.repo_id}",
        hint=f"write it into the manifest as the artifact's repo:, then: hubpub release {name} --until verify",
        planned=ref.repo_id,
        found=now.repo_id,
    )
