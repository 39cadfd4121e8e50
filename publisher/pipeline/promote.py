"""Promotion as a step of its own: what any machine has staged and proven. Needs the lock and the Hub, nothing else."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace

from publisher.errors import HubpubError
from publisher.hub.port import Hub
from publisher.manifest.lock import Lock, Released, answers_of, numbers_of, read_lock, write_lock
from publisher.pipeline.environment import environment
from publisher.pipeline.opened import Release
from publisher.pipeline.packages import pack_locked
from publisher.pipeline.release import alone
from publisher.records.artifacts import RENDERING, FileRecord, RepoRef
from publisher.records.facts import Facts
from publisher.records.plans import Package
from publisher.records.receipts import Receipt, RepoReceipt, least
from publisher.release.changes import tag_notes
from publisher.release.compare import same_contents, sha256_served
from publisher.release.journal import Journal
from publisher.release.keyless import lacking
from publisher.release.on_hub import look
from publisher.release.promote import clear, promote_proven
from publisher.release.readme import not_as_rendered
from publisher.release.receipt import keep_receipt
from publisher.release.supersede import plan_superseded, supersede
from publisher.release.waiting import Waiting, find_waiting


def find_promotion(release: Release, hub: Hub) -> Waiting:
    """What can be promoted on a Hub. Reads only.

    Raises:
        HubpubError: HP-R02 where nothing is staged and proven, or where the lock is one of other contents;
            HP-H05 where someone pushed to `main` since; HP-H03 where a keyless run could only begin it.
    """
    identity, name = release.identity, release.paths.name
    _locked(release)
    repos = look(hub, name, identity.refs)
    waiting = find_waiting(hub, identity, repos)
    if waiting.repos and hub.is_keyless:
        refs, collection = identity.refs, release.manifest.collection
        missing = lacking(hub, name, {ref: identity.private[kind] for kind, ref in refs.items()}, collection)
        if missing is not None:
            raise missing
    for package in _packages(release):
        commit = _commits(waiting)[package.ref]
        if waiting.repos and not same_contents(hub, package, commit, name):
            raise HubpubError(
                "HP-R02",
                f"what waits as {waiting.label} of {package.ref.repo_id} is not what the lock holds",
                where=str(release.paths.lock),
                hint=f"git pull, to have the lock it was staged with; or: hubpub release {name} --until verify",
            )
    return waiting


def promote_waiting(release: Release, hub: Hub, waiting: Waiting, *, message: str = "") -> Receipt:
    """Promote it, keep the receipt, and write into the lock what is released now.

    Raises:
        HubpubError: HP-X03 another run of this name goes on; else as `promote_proven` says.
    """
    paths, identity = release.paths, release.identity
    older = plan_superseded(hub, identity.refs, identity.private, release.manifest.supersedes)
    facts = Facts(_locked(release).facts)
    notes = {kind: tag_notes(facts, kind) for kind in identity.refs}
    with alone(paths):
        journal = Journal(paths.hub(hub.host) / "journal.jsonl", time.time)
        promoted = promote_proven(
            hub, waiting.name, waiting.label, waiting.candidates, journal,
            unchanged=waiting.unchanged, collection=release.manifest.collection, message=message, notes=notes,
        )  # fmt: skip
        supersede(hub, older, waiting.name, waiting.label, journal)
        receipt = _receipt(release, hub, waiting, promoted.commits)
        keep_receipt(receipt, paths.hub(hub.host))
        _write_down(release, hub, receipt)
        clear(hub, [candidate.ref for candidate in waiting.candidates], waiting.label, journal)
    return receipt


def _write_down(release: Release, hub: Hub, receipt: Receipt) -> None:
    """Have the lock say what is released on this Hub now."""
    lock = read_lock(release.paths.lock) or _locked(release)
    before = lock.released.get(hub.host)
    edited = {
        repo.repo_id: theirs
        for repo in receipt.repos
        if (theirs := not_as_rendered(lock.artifacts[repo.artifact].card, repo.files))
    }
    released = Released(
        receipt.version,
        {repo.repo_id: repo.commit for repo in receipt.repos},
        {repo.artifact: repo.repo_id for repo in receipt.repos},
        before.withdrawn if before else (),
        edited=edited,
        numbers=numbers_of(lock.facts),
        answers=answers_of(lock.facts),
    )
    write_lock(release.paths.lock, replace(lock, released={**lock.released, hub.host: released}))


def _locked(release: Release) -> Lock:
    lock, refs = release.lock, release.identity.refs
    locked = {kind: artifact.repo for kind, artifact in lock.artifacts.items()} if lock else {}
    if lock is None or locked != {kind: ref.repo_id for kind, ref in refs.items()}:
        raise HubpubError(
            "HP-R02",
            f"the lock does not have the artifacts that {release.paths.name} lists, so nothing of it is staged",
            where=str(release.paths.lock),
            hint=f"git pull, to have the lock it was staged with; or: hubpub release {release.paths.name} --until verify",
        )
    return lock


def _packages(release: Release) -> list[Package]:
    """As the lock has them, whatever lies in the workspace."""
    packages = pack_locked(release.identity, _locked(release), release.paths)
    return [replace(package, folder=None) for package in packages]


def _commits(waiting: Waiting) -> dict[RepoRef, str]:
    """What each repo of the release holds, or shall hold."""
    return {**waiting.unchanged, **{each.ref: each.commit for each in waiting.candidates}}


def _receipt(release: Release, hub: Hub, waiting: Waiting, commits: Mapping[str, str]) -> Receipt:
    levels = {candidate.kind: candidate.level for candidate in waiting.candidates}
    packages = _packages(release)
    repos = tuple(
        RepoReceipt(
            repo_id=package.ref.repo_id,
            repo_type=package.ref.repo_type,
            artifact=package.kind,
            commit=commits[package.ref.repo_id],
            tag=waiting.tag,
            visibility="private" if package.private else "public",
            files=_files(hub, package, commits[package.ref.repo_id]),
            proof=levels.get(package.kind),
        )
        for package in packages
    )
    looked_at = {
        "repos_as_locked": len(packages),
        "files_as_locked": sum(len(package.contents) for package in packages),
        "repos_proven_at_their_commit": len(waiting.candidates),
        "repos_as_proven_on_main": len(waiting.candidates),
    }
    return Receipt(
        waiting.name, waiting.label, hub.endpoint, least(levels.values()), repos, looked_at, environment()
    )


def _files(hub: Hub, package: Package, commit: str) -> tuple[FileRecord, ...]:
    """What `main` holds of ours: as sent, or as edited on the Hub."""
    ours = {file.path for file in package.files} | {RENDERING}
    return tuple(
        FileRecord(file.path, file.size, file.sha256 or sha256_served(hub, package, commit, file.path))
        for file in hub.tree(package.ref, commit)
        if file.path in ours
    )
