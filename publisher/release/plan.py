"""The plan: what should be, held against what the Hub has. Reads only."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from publisher.errors import HubpubError
from publisher.hub.port import Hub, RemoteFile, RepoState
from publisher.records.artifacts import README, RENDERING, FileRecord, Kind, RepoRef, is_card_file
from publisher.records.plans import Package, Plan, RepoPlan, Seen, Step
from publisher.records.receipts import Version
from publisher.release import trailer
from publisher.release.authorship import written_by_us
from publisher.release.compare import HUBS_OWN, same, sha256_served
from publisher.release.conflict import refuse_foreign_branch, same_repo
from publisher.release.label import Trace, decide_label, staging_branches
from publisher.release.proof_tag import tags_of_proofs
from publisher.release.rename import where_it_stands


def make_plan(
    hub: Hub,
    name: str,
    packages: Sequence[Package],
    version: Version,
    *,
    allow_delete: Collection[str] = (),
    former: Mapping[Kind, RepoRef] | None = None,
) -> Plan:
    """Say, repo by repo, what would change on the Hub.

    `former` has the repos that the artifacts were released to last; one whose id has changed is renamed.

    Raises:
        HubpubError: HP-H05 where the Hub holds an edit of a file that we would change, or of anything but the card,
            or where someone renamed a repo or took the name of a branch that we would replace;
            HP-R03 where a released weight file would disappear without being named.
    """
    repos: list[RepoPlan] = []
    traces: list[Trace] = []
    for package in packages:
        standing = where_it_stands(hub, package, (former or {}).get(package.kind))
        state = hub.state(standing.ref)
        if state is not None:
            _refuse_redirected(hub, name, standing, state)
        if state is None or state.head is None:
            repos.append(_new_repo(package, version, state))
            traces.append(Trace())
            continue
        trace = Trace(hub.commits(standing.ref, state.head), state.branches)
        known = _known_repo(hub, name, standing, state, state.head, trace, version, allow_delete)
        repos.append(_renamed(known, package.ref) if standing != package else known)
        traces.append(trace)
    label = decide_label(name, version, repos, traces)
    return Plan(hub.endpoint, hub.host, name, version.number, label, tuple(repos))


def _refuse_redirected(hub: Hub, name: str, package: Package, state: RepoState) -> None:
    """A repo that somebody renamed: its old id still leads to it, and the manifest must say where it is now."""
    if same_repo(state.ref, package.ref):
        return
    raise HubpubError(
        "HP-H05",
        f"{package.ref.repo_id} was renamed on the Hub: it is {state.ref.repo_id} now",
        where=f"{hub.endpoint}/{state.ref.repo_id}",
        hint=f"write it into the manifest, artifacts: {{{package.kind}: {{repo: {state.ref.repo_id}}}}}, "
        f"then: hubpub plan {name}",
        planned=package.ref.repo_id,
        found=state.ref.repo_id,
    )


def _renamed(repo: RepoPlan, ref: RepoRef) -> RepoPlan:
    """The plan of a repo that gets another id, before anything else is done with it."""
    return replace(repo, ref=ref, operations=(Step("rename", repo.ref.repo_id), *repo.operations))


def _seen(state: RepoState) -> Seen:
    return Seen(state.ref.repo_id, state.private, state.gated)


def _new_repo(package: Package, version: Version, state: RepoState | None) -> RepoPlan:
    steps = [Step("create", note="private")]
    steps += [Step("upload", file.path, file.size, file.sha256) for file in package.files]
    steps.append(Step("tag", version.tag))
    if not package.private:
        steps.append(Step("visibility", "public"))
    seen = _seen(state) if state else None
    return RepoPlan(package.ref, package.kind, state is not None, None, tuple(steps), seen)


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
    changing = {step.path for step in steps if step.op != "unchanged"}
    if changing == {RENDERING} and RENDERING in {file.path for file in package.files}:
        # Without another change there is no commit, and so nothing that the next merge could take for our words.
        steps = [step for step in steps if step.path != RENDERING]
    if version.tag not in state.tags:
        steps.append(Step("tag", version.tag))
    for branch in staging_branches(state.branches, version):
        refuse_foreign_branch(hub, package.ref, name, branch, trace.history)
        steps.append(Step("delete", f"refs/heads/{branch}", note="left by an earlier run"))
    steps += [
        Step("delete", f"refs/tags/{tag}", note="left by an earlier run")
        for tag in tags_of_proofs(state.tags, version)
    ]
    if state.private != package.private:
        steps.append(Step("visibility", "private" if package.private else "public"))
    return RepoPlan(package.ref, package.kind, True, head, tuple(steps), _seen(state))


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
    step = _readme_step(hub, package, there, ours)
    if same(hub, package, theirs.commit, there, ours):
        return replace(step, op="unchanged")
    if _blob(there) == _blob(before) or (package.readme and ours.path in package.readme.texts):
        return step
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


def _readme_step(hub: Hub, package: Package, there: RemoteFile | None, ours: FileRecord) -> Step:
    """The upload of a file; of a README, with what became of the edits that others made on the Hub."""
    step = Step("upload", ours.path, ours.size, ours.sha256)
    readme = package.readme
    if readme is None or ours.path != README:
        return step
    if readme.found is not None and readme.found != _blob(there):
        raise HubpubError(
            "HP-H05",
            f"{README} of {package.ref.repo_id} was edited on the Hub while this was planned",
            where=f"{hub.endpoint}/{package.ref.repo_id}",
            hint="nothing was overwritten; run it again, and that edit is merged as well",
            path=README,
        )
    return replace(step, note=readme.told, edits=readme.edits)


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
