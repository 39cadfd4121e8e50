"""The proof: what was staged is fetched back, compared byte for byte, and shown to work.

1. the tree at the staged commit is exactly the plan's outcome
2. every file that was sent, and every other that no earlier proof has seen, is fetched back and hashed in passing
3. equal bytes lie here already, so the load test runs on those: fresh process, no token, no network
4. each proven commit gets a tag that says so to every other machine
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from publisher.errors import HubpubError
from publisher.hub.port import Hub
from publisher.records.artifacts import Kind
from publisher.records.facts import Json
from publisher.records.plans import Package, Plan, RepoPlan, Step
from publisher.records.receipts import Proof, ProofLevel, Proven, Staged
from publisher.release.compare import same, sha256_served
from publisher.release.journal import Journal
from publisher.release.proof_tag import ProofTag, keep_proof
from publisher.release.trailer import trailer, trailer_of


def verify(
    hub: Hub,
    plan: Plan,
    packages: Sequence[Package],
    staged: Staged,
    journal: Journal,
    *,
    level: ProofLevel,
    prove: Callable[[Package], Mapping[str, Json]],
    proof_key: Callable[[Package], str],
    on_bytes: Callable[[int], None] | None = None,
    levels: Mapping[Kind, ProofLevel] = {},
    room: Path | None = None,
) -> Proven:
    """Prove every repo whose state changes; a proof that was recorded for the same bytes stands.

    `levels` names the artifacts whose level is not `level`. With a `room`, what is fetched back is kept in it, a
    repo at a time, and `prove` is handed that copy instead of what lies here.

    Raises:
        HubpubError: HP-R01 where the Hub serves something else; whatever `prove` raises where it does not work.
    """
    proofs = []
    for package in packages:
        repo = plan.repo(package.kind)
        if not repo.changes:
            continue
        commit = staged.commits[package.ref.repo_id]
        _compare_tree(hub, repo, package, commit)  # 1
        key = proof_key(package)
        earlier = journal.proof(key)
        fetched = _to_fetch(repo, all_of_them=earlier is None, edited=room is not None)
        own_level = levels.get(package.kind, level)
        with _copy(package, room) as copy:
            _fetch_back(hub, package, commit, fetched, on_bytes, copy)  # 2
            # A proof of another machine tells how far, not what was seen; whoever asks for a copy wants it run here.
            recalled = earlier is not None or (
                room is None and _proven_elsewhere(hub, plan, package, commit, own_level)
            )
            details = earlier or {}
            if not recalled:  # 3
                proving = replace(package, folder=str(copy)) if copy else package
                details = dict(prove(proving)) if own_level != "static" else {}
                journal.write("proven", key=key, repo=package.ref.repo_id, commit=commit, proof=details)
        size = sum(step.size or 0 for step in fetched)
        proofs.append(Proof(package.kind, own_level, commit, len(fetched), size, details, recalled=recalled))
    for proof in proofs:  # 4
        ref = plan.repo(proof.kind).ref
        if ref.repo_id not in staged.proposals:  # nobody promotes a pull request from here
            keep_proof(hub, plan, ref, proof, journal)
    return Proven(tuple(proofs))


def _proven_elsewhere(hub: Hub, plan: Plan, package: Package, commit: str, level: ProofLevel) -> bool:
    """Whether another machine has proven this very outcome at this commit, and left its tag there."""
    state = hub.state(package.ref)
    stands = state is not None and state.tags.get(ProofTag(plan.label, level, commit).name) == commit
    return stands and trailer_of(hub.commits(package.ref, commit)[0]) == trailer(plan)


def _compare_tree(hub: Hub, repo: RepoPlan, package: Package, commit: str) -> None:
    tree = {file.path: file for file in hub.tree(package.ref, commit)}
    ours = {file.path: file for file in package.files}
    for step in repo.operations:
        path = step.path or ""
        if step.op == "delete" and path in tree:
            raise _differs(hub, package, path, "should be gone")
        if step.op not in ("upload", "unchanged") or step.left_to_others:
            continue
        if not same(hub, package, commit, tree.get(path), ours[path]):
            raise _differs(hub, package, path, "is not the file that was sent")


def _to_fetch(repo: RepoPlan, *, all_of_them: bool, edited: bool) -> list[Step]:
    """What is sent now; and what was there already, unless an earlier proof has seen it.

    `edited`: also what somebody wrote on the Hub, which a copy that shall run is not whole without.
    """
    ops = ("upload", "unchanged") if all_of_them else ("upload",)
    return [step for step in repo.operations if step.op in ops and (edited or not step.left_to_others)]


@contextmanager
def _copy(package: Package, room: Path | None) -> Iterator[Path | None]:
    """An empty folder for what is fetched back, gone when its repo is proven or refused; without a room, none."""
    if room is None:
        yield None
        return
    folder = room / package.kind
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _fetch_back(
    hub: Hub,
    package: Package,
    commit: str,
    steps: Sequence[Step],
    on_bytes: Callable[[int], None] | None,
    copy: Path | None,
) -> None:
    for step in steps:
        path = step.path or ""
        if sha256_served(hub, package, commit, path, copy and copy / path) != step.sha256:
            raise _differs(hub, package, path, "comes back with other bytes")
        if on_bytes is not None:
            on_bytes(step.size or 0)


def _differs(hub: Hub, package: Package, path: str, how: str) -> HubpubError:
    return HubpubError(
        "HP-R01",
        f"{path} of {package.ref.repo_id} {how}",
        where=f"{hub.endpoint}/{package.ref.repo_id}",
        hint="nothing was promoted; run the release again, and report it if this stays",
        path=path,
    )
