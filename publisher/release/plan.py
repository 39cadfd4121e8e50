"""The plan: what should be, held against what the Hub has. Reads only."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

from publisher.errors import HubpubError
from publisher.hub.port import Commit, Hub, RemoteFile, RepoState
from publisher.records.artifacts import is_card_file
from publisher.records.plans import Package, Plan, RepoPlan, Step
from publisher.records.receipts import Version
from publisher.release import trailer
from publisher.release.compare import HUBS_OWN, same


def make_plan(
    hub: Hub, name: str, packages: Sequence[Package], version: Version, *, allow_delete: Collection[str] = ()
) -> Plan:
    """Say, repo by repo, what would change on the Hub.

    Raises:
        HubpubError: HP-H05 where the website holds an edit of a file that we would change, HP-R03 where
            a released weight file would disappear without being named.
    """
    states = {package.kind: hub.state(package.ref) for package in packages}
    repos = tuple(_plan_repo(hub, name, p, states[p.kind], version, allow_delete) for p in packages)
    label = _label(hub, name, version, [state for state in states.values() if state], repos)
    return Plan(hub.endpoint, hub.host, name, version.number, label, repos)


def _plan_repo(
    hub: Hub,
    name: str,
    package: Package,
    state: RepoState | None,
    version: Version,
    allow_delete: Collection[str],
) -> RepoPlan:
    if state is None or state.head is None:
        steps = [Step("create", note="private")]
        steps += [Step("upload", file.path, file.size, file.sha256) for file in package.files]
        steps.append(Step("tag", version.tag))
        if not package.private:
            steps.append(Step("visibility", "public"))
        return RepoPlan(package.ref, package.kind, state is not None, None, tuple(steps))

    head = state.head
    remote = {file.path: file for file in hub.tree(package.ref, head)}
    published = _last_published(hub, name, package, head)
    before = (
        remote if published in (None, head) else {f.path: f for f in hub.tree(package.ref, str(published))}
    )
    steps = [_plan_file(hub, package, head, remote, before, file.path) for file in package.files]
    if published is not None:
        steps += _plan_deletes(package, remote, before, allow_delete)
    if version.tag not in state.tags:
        steps.append(Step("tag", version.tag))
    steps += [
        Step("delete", f"refs/heads/{branch}", note="left by an earlier run")
        for branch in sorted(state.branches)
        if re.fullmatch(rf"hubpub/v{re.escape(version.number)}(\+card\.\d+)?", branch)
    ]
    if state.private != package.private:
        steps.append(Step("visibility", "private" if package.private else "public"))
    return RepoPlan(package.ref, package.kind, True, head, tuple(steps))


def _plan_file(
    hub: Hub,
    package: Package,
    head: str,
    remote: Mapping[str, RemoteFile],
    before: Mapping[str, RemoteFile],
    path: str,
) -> Step:
    ours = next(file for file in package.files if file.path == path)
    theirs, old = remote.get(path), before.get(path)
    if same(hub, package, head, theirs, ours):
        return Step("unchanged", path, ours.size, ours.sha256)
    edited_there = _blob(theirs) != _blob(old)
    if not edited_there:
        return Step("upload", path, ours.size, ours.sha256)
    if same(hub, package, head, old, ours):
        return Step("unchanged", path, ours.size, ours.sha256, note="kept as edited on the Hub")
    raise HubpubError(
        "HP-H05",
        f"{path} of {package.ref.repo_id} was edited on the Hub and has changed here as well",
        where=f"{hub.endpoint}/{package.ref.repo_id}",
        hint=f"take the edit over into the prose or the manifest, or undo it on the Hub: {path}",
        path=path,
    )


def _plan_deletes(
    package: Package,
    remote: Mapping[str, RemoteFile],
    before: Mapping[str, RemoteFile],
    allow_delete: Collection[str],
) -> list[Step]:
    """What we published once and do not hold any more goes; what others added stays."""
    ours = {file.path for file in package.files} | HUBS_OWN
    gone = sorted(path for path in before.keys() & remote.keys() if path not in ours)
    named = [path for path in gone if is_card_file(path) or path in allow_delete]
    unnamed = [path for path in gone if path not in named]
    if unnamed:
        raise HubpubError(
            "HP-R03",
            f"{package.ref.repo_id} would lose {', '.join(unnamed)}, which was released",
            where=package.ref.repo_id,
            hint=f"say so by name: --allow-delete {unnamed[0]}",
            paths=unnamed,
        )
    return [Step("delete", path, remote[path].size) for path in named]


def _blob(file: RemoteFile | None) -> str | None:
    return file.blob_id if file else None


def _last_published(hub: Hub, name: str, package: Package, head: str) -> str | None:
    """The newest commit of ours on main; None where we never published here."""
    ours = trailer.labels(hub.commits(package.ref, head), name)
    return ours[0][1].id if ours else None


def _label(
    hub: Hub, name: str, version: Version, states: Sequence[RepoState], repos: Sequence[RepoPlan]
) -> str:
    """The version, or the card revision that continues it."""
    if not version.released or not any(repo.touches_files for repo in repos):
        return version.number
    begun = [n for state in states for n in _revisions(state.branches, version, prefix="hubpub/v")]
    if begun:  # a revision that was staged and not finished goes on under its own number
        return f"{version.number}+card.{max(begun)}"
    commits: list[Commit] = [c for s in states if s.head for c in hub.commits(s.ref, s.head)]
    done = _revisions([label for label, _ in trailer.labels(commits, name)], version)
    return f"{version.number}+card.{max(done, default=0) + 1}"


def _revisions(labels: Collection[str], version: Version, *, prefix: str = "") -> list[int]:
    matches = [re.fullmatch(rf"{re.escape(prefix + version.number)}\+card\.(\d+)", label) for label in labels]
    return [int(match[1]) for match in matches if match]
