"""Drift: what a Hub has, held against what was released there. Looks only; fetches no weights."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from publisher.hub.port import Hub, RemoteFile, RepoState
from publisher.manifest.lock import LockedArtifact, Released
from publisher.pipeline.opened import Release
from publisher.records.artifacts import Kind
from publisher.records.plans import Package
from publisher.release import trailer
from publisher.release.compare import same


@dataclass(frozen=True)
class Drift:
    """One difference between the Hub and the last release there."""

    repo_id: str
    what: str  # "exists", "visibility", "tag", "branch", or the path of a file
    released: str
    found: str


def drift(release: Release, hub: Hub) -> list[Drift]:
    """Every difference; none where nothing of this release was ever released on this Hub."""
    lock = release.lock
    released = lock.released.get(hub.host) if lock else None
    if lock is None or released is None:
        return []
    found: list[Drift] = []
    for kind in release.identity.refs:
        locked = lock.artifacts.get(kind)
        if locked is not None and locked.repo in released.commits:
            found += _of_repo(release, hub, kind, locked, released)
    return found


def _of_repo(
    release: Release, hub: Hub, kind: Kind, locked: LockedArtifact, released: Released
) -> Iterator[Drift]:
    ref = release.identity.refs[kind]
    state = hub.state(ref)
    if state is None or state.head is None:
        yield Drift(ref.repo_id, "exists", "yes", "no, or not visible to this token")
        return
    expected = "private" if release.identity.private[kind] else "public"
    seen = "private" if state.private else "public"
    if seen != expected:
        yield Drift(ref.repo_id, "visibility", expected, seen)
    yield from _of_tag(release, hub, state, released)
    for branch in sorted(b for b in state.branches if b.startswith("hubpub/")):
        yield Drift(ref.repo_id, "branch", "none left", f"{branch} at {state.branches[branch][:8]}")
    commit = released.commits[locked.repo]
    if state.head != commit:  # the same commit is the same tree: git says so
        files = (*locked.files, *locked.card)
        package = Package(kind, ref, None, files, (), private=state.private)
        yield from _of_files(hub, package, state.head, commit)


def _of_tag(release: Release, hub: Hub, state: RepoState, released: Released) -> Iterator[Drift]:
    tag = f"v{released.version.split('+')[0]}"
    at = state.tags.get(tag)
    if at is None:
        yield Drift(state.ref.repo_id, "tag", tag, "gone")
        return
    ours = {commit.id for _, commit in trailer.labels(hub.commits(state.ref, at), release.paths.name)}
    if at not in ours:
        yield Drift(state.ref.repo_id, "tag", f"{tag} at a commit of this release", f"at {at[:8]}, not ours")


def _of_files(hub: Hub, package: Package, head: str, commit: str) -> Iterator[Drift]:
    tree = {file.path: file for file in hub.tree(package.ref, head)}
    for file in package.files:
        there = tree.pop(file.path, None)
        if not same(hub, package, head, there, file):
            told = "gone" if there is None else f"{there.size:,} bytes, other contents"
            yield Drift(package.ref.repo_id, file.path, f"{file.size:,} bytes", told)
    before = {file.path for file in hub.tree(package.ref, commit)}
    for path in sorted(tree.keys() - before):
        yield Drift(package.ref.repo_id, path, "not there", _added(tree[path]))


def _added(file: RemoteFile) -> str:
    return f"{file.size:,} bytes, added by someone else"
