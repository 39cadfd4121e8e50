"""The proof: what was staged is fetched back, compared byte for byte, and shown to work.

1. the tree at the staged commit is exactly the plan's outcome
2. every file that was sent, and every other that no earlier proof has seen, is fetched back and hashed in passing
3. equal bytes lie here already, so the load test runs on those: fresh process, no token, no network
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from publisher.errors import HubpubError
from publisher.hub.port import Hub
from publisher.records.facts import Json
from publisher.records.plans import Package, Plan, RepoPlan, Step
from publisher.records.receipts import Proof, ProofLevel, Proven, Staged
from publisher.release.compare import same, sha256_served
from publisher.release.journal import Journal


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
) -> Proven:
    """Prove every repo whose state changes; a proof that was recorded for the same bytes stands.

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
        earlier = details = journal.proof(key)
        fetched = _to_fetch(repo, all_of_them=earlier is None)
        _fetch_back(hub, package, commit, fetched, on_bytes)  # 2
        if details is None:  # 3
            details = dict(prove(package)) if level != "static" else {}
            journal.write("proven", key=key, repo=package.ref.repo_id, commit=commit, proof=details)
        size = sum(step.size or 0 for step in fetched)
        proofs.append(
            Proof(package.kind, level, commit, len(fetched), size, details, recalled=earlier is not None)
        )
    return Proven(tuple(proofs))


def _compare_tree(hub: Hub, repo: RepoPlan, package: Package, commit: str) -> None:
    tree = {file.path: file for file in hub.tree(package.ref, commit)}
    ours = {file.path: file for file in package.files}
    for step in repo.operations:
        path = step.path or ""
        if step.op == "delete" and path in tree:
            raise _differs(hub, package, path, "should be gone")
        kept_as_edited = step.op == "unchanged" and step.note
        if step.op not in ("upload", "unchanged") or kept_as_edited:
            continue
        if not same(hub, package, commit, tree.get(path), ours[path]):
            raise _differs(hub, package, path, "is not the file that was sent")


def _to_fetch(repo: RepoPlan, *, all_of_them: bool) -> list[Step]:
    """What is sent now; and what was there already, unless an earlier proof has seen it."""
    ops = ("upload", "unchanged") if all_of_them else ("upload",)
    return [step for step in repo.operations if step.op in ops and not step.note]


def _fetch_back(
    hub: Hub, package: Package, commit: str, steps: Sequence[Step], on_bytes: Callable[[int], None] | None
) -> None:
    for step in steps:
        if sha256_served(hub, package, commit, step.path or "") != step.sha256:
            raise _differs(hub, package, step.path or "", "comes back with other bytes")
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
