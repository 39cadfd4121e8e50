"""The plan: what should be, held against what the Hub has. Reads only."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from publisher.errors import HubpubError
from publisher.hub.port import Hub, RemoteFile, RepoState
from publisher.records.artifacts import FileRecord, is_card_file
from publisher.records.plans import Package, Plan, RepoPlan, Step
from publisher.records.receipts import Version
from publisher.release import trailer
from publisher.release.authorship import written_by_us
from publisher.release.compare import HUBS_OWN, same, sha256_served
from publisher.release.label import Trace, decide_label, staging_branches


def make_plan(
    hub: Hub, name: str, packages: Sequence[Package], version: Version, *, allow_delete: Collection[str] = ()
) -> Plan:
    """Say, repo by repo, what would change on the Hub.

    Raises:
        HubpubError: HP-H05 where the Hub holds an edit of a file that we would change, or of anything but the card;
            HP-R03 where a released weight file would disappear without being named.
    """
    repos: list[RepoPlan] = []
    traces: list[Trace] = []
    for package in packages:
        state = hub.state(package.ref)
        if state is None or state.head is None:
            repos.append(_new_repo(package, version, exists=state is not None))
            traces.append(Trace())
            continue
        trace = Trace(hub.commits(package.ref, state.head), state.branches)
        repos.append(_known_repo(hub, name, package, state, state.head, trace, version, allow_delete))
        traces.append(trace)
    label = decide_label(name, version, repos, traces)
    return Plan(hub.endpoint, hub.host, name, version.number, label, tuple(repos))


def _new_repo(package: Package, version: Version, *, exists: bool) -> RepoPlan:
    steps = [Step("create", note="private")]
    steps += [Step("upload", file.path, file.size, file.sha256) for file in package.files]
    steps.append(Step("tag", version.tag))
    if not package.private:
        steps.append(Step("visibility", "public"))
    return RepoPlan(package.ref, package.kind, exists, None, tuple(steps))


def _known_repo(
    hub: Hub,
    name: str,
    package: Package,
    state: RepoState,
    head: str,
    trace: Trace,
    version: Version,
    allow_delete: Collection[str],
) -> RepoPlan:
    marked = trailer.labels(trace.history, name)
    published = (
        marked[0][1].id if marked else None
    )  # None: we never published here, so nothing there is an edit
    theirs = _Side.of(hub, package, head)
    last = _Side.of(hub, package, published) if published and published != head else theirs
    steps = [_file(hub, package, theirs, last, file) for file in package.files]
    if published is not None:
        steps += _deletes(hub, name, package, theirs, last, allow_delete)
    if version.tag not in state.tags:
        steps.append(Step("tag", version.tag))
    steps += [
        Step("delete", f"refs/heads/{branch}", note="left by an earlier run")
        for branch in staging_branches(state.branches, version)
    ]
    if state.private != package.private:
        steps.append(Step("visibility", "private" if package.private else "public"))
    return RepoPlan(package.ref, package.kind, True, head, tuple(steps))


@dataclass(frozen=True)
class _Side:
    """A repo at one commit: what `main` holds, or what we published there last."""

    commit: str
    files: Mapping[str, RemoteFile]

    @classmethod
    def of(cls, hub: Hub, package: Package, commit: str) -> _Side:
        return cls(commit, {file.path: file for file in hub.tree(package.ref, commit)})


def _file(hub: Hub, package: Package, theirs: _Side, last: _Side, ours: FileRecord) -> Step:
    there, before = theirs.files.get(ours.path), last.files.get(ours.path)
    if same(hub, package, theirs.commit, there, ours):
        return Step("unchanged", ours.path, ours.size, ours.sha256)
    if _blob(there) == _blob(before):
        return Step("upload", ours.path, ours.size, ours.sha256)
    changed_here = not same(hub, package, last.commit, before, ours)
    if is_card_file(ours.path) and not changed_here:
        return _kept(hub, package, theirs, ours.path)
    raise HubpubError(
        "HP-H05",
        f"{ours.path} of {package.ref.repo_id} was edited on the Hub"
        + (" and has changed here as well" if changed_here else ", and only a card may be edited there"),
        where=f"{hub.endpoint}/{package.ref.repo_id}",
        hint=f"take the edit over into the prose or the manifest, or undo it on the Hub: {ours.path}",
        path=ours.path,
    )


def _kept(hub: Hub, package: Package, theirs: _Side, path: str) -> Step:
    """An edit made on the Hub: the line says what is there, so that the receipt does, too."""
    there = theirs.files.get(path)
    if there is None:
        return Step("unchanged", path, note="kept as deleted on the Hub")
    sha256 = there.sha256 or sha256_served(hub, package, theirs.commit, path)
    return Step("unchanged", path, there.size, sha256, note="kept as edited on the Hub")


def _deletes(
    hub: Hub, name: str, package: Package, theirs: _Side, last: _Side, allow_delete: Collection[str]
) -> list[Step]:
    """What we published once and do not hold any more goes; what others added stays."""
    held = {file.path for file in package.files} | HUBS_OWN
    candidates = (last.files.keys() & theirs.files.keys()) - held
    gone = sorted(written_by_us(hub, package.ref, name, last.commit, candidates))
    unnamed = [path for path in gone if not is_card_file(path) and path not in allow_delete]
    if unnamed:
        raise HubpubError(
            "HP-R03",
            f"{package.ref.repo_id} would lose {', '.join(unnamed)}, which was released",
            where=package.ref.repo_id,
            hint=f"say so by name: --allow-delete {unnamed[0]}",
            paths=unnamed,
        )
    return [Step("delete", path, theirs.files[path].size) for path in gone]


def _blob(file: RemoteFile | None) -> str | None:
    return file.blob_id if file else None
