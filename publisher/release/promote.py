"""Publishing, second half: what was proven appears on `main`, in one guarded commit a repo."""

from __future__ import annotations

from collections.abc import Sequence

from publisher.errors import HubpubError
from publisher.hub.port import Copy, Delete, Hub, Operation
from publisher.records.plans import Package, Plan, RepoPlan
from publisher.records.receipts import Promoted, Proven, Staged
from publisher.release.commit import commit_once
from publisher.release.journal import Journal


def promote(
    hub: Hub,
    plan: Plan,
    packages: Sequence[Package],
    staged: Staged,
    proven: Proven,
    journal: Journal,
    *,
    collection: str | None = None,
    message: str = "",
) -> Promoted:
    """Promote all repos in dependency order: commit, compare, tag, visibility, branch.

    Raises:
        HubpubError: HP-H05 where someone pushed to `main` since the plan; nothing of theirs is overwritten.
    """
    proofs = {proof.kind: proof for proof in proven.proofs}
    for package in packages:
        if plan.repo(package.kind).changes and package.kind not in proofs:
            raise AssertionError(f"{package.kind} has no proof and is not promoted")
    commits: dict[str, str] = {}
    for package in packages:
        repo = plan.repo(package.kind)
        ref = package.ref
        head = _promote_files(hub, plan, repo, package, staged, journal)
        if any(step.op == "tag" for step in repo.changes):
            proof = proofs[package.kind]
            text = message or f"{plan.name} {plan.version}"
            with journal.step("tag", repo=ref.repo_id, tag=plan.tag, at=head):
                hub.create_tag(
                    ref, plan.tag, at=head, message=f"{text}\n\nproof: {proof.level}\nstaged: {proof.commit}"
                )
        for step in repo.changes:
            if step.op == "visibility":
                with journal.step("visibility", repo=ref.repo_id, to=step.path):
                    hub.set_visibility(ref, private=package.private)
        _drop_branches(hub, plan, repo, package, journal)
        commits[ref.repo_id] = head
    slug = _collect(hub, packages, journal, collection) if collection else None
    return Promoted(commits, slug)


def _promote_files(
    hub: Hub, plan: Plan, repo: RepoPlan, package: Package, staged: Staged, journal: Journal
) -> str:
    source = staged.commits[package.ref.repo_id]
    if not repo.touches_files:
        return source
    operations: list[Operation] = []
    for step in repo.changes:
        path = step.path or ""
        if step.op == "upload":
            operations.append(Copy(path, source))
        elif step.op == "delete" and not path.startswith("refs/"):
            operations.append(Delete(path))
    # A repo that the plan created has had one commit since: the Hub's own first one.
    parent = repo.head or _first_head(hub, package)
    _refuse_foreign_push(hub, repo, package)
    with journal.step("promote", repo=package.ref.repo_id, parent=parent, staged=source):
        try:
            head = commit_once(
                hub,
                package.ref,
                "main",
                operations,
                plan=plan,
                title=f"{plan.name} {plan.label}: {package.kind}",
                parent=parent,
            )
        except HubpubError as fault:
            if fault.code != "HP-H05":
                raise
            raise _pushed_meanwhile(hub, package, parent) from fault
    proven_tree = {(f.path, f.blob_id) for f in hub.tree(package.ref, source)}
    promoted_tree = {(f.path, f.blob_id) for f in hub.tree(package.ref, head)}
    if proven_tree != promoted_tree:
        differing = sorted({path for path, _ in proven_tree ^ promoted_tree})
        raise HubpubError(
            "HP-R01",
            f"main of {package.ref.repo_id} is not what was proven: {', '.join(differing[:3])}",
            where=f"{hub.endpoint}/{package.ref.repo_id}",
            hint="the repo keeps its visibility and gets no tag; run hubpub plan to see the difference",
        )
    return head


def _first_head(hub: Hub, package: Package) -> str:
    state = hub.state(package.ref)
    if state is None or state.head is None:
        raise AssertionError(f"{package.ref.repo_id} was created and has no main")
    return state.head


def _refuse_foreign_push(hub: Hub, repo: RepoPlan, package: Package) -> None:
    if repo.head is None:
        return
    state = hub.state(package.ref)
    if state is None or state.head != repo.head:
        raise _pushed_meanwhile(hub, package, repo.head)


def _pushed_meanwhile(hub: Hub, package: Package, planned: str) -> HubpubError:
    newest = hub.commits(package.ref, "main")[0]
    return HubpubError(
        "HP-H05",
        f"main of {package.ref.repo_id} was {planned[:8]} when this was planned and is {newest.id[:8]} now: "
        f"“{newest.title}”",
        where=f"{hub.endpoint}/{package.ref.repo_id}",
        hint=f"nothing was overwritten; hubpub plan shows both sides, hubpub release goes on: {package.ref.repo_id}",
        planned=planned,
        found=newest.id,
    )


def _drop_branches(hub: Hub, plan: Plan, repo: RepoPlan, package: Package, journal: Journal) -> None:
    left = {
        (step.path or "").removeprefix("refs/heads/")
        for step in repo.changes
        if step.note and step.op == "delete"
    }
    own = {plan.branch} if repo.touches_files else set()
    for branch in sorted(left | own):
        with journal.step("unbranch", repo=package.ref.repo_id, branch=branch):
            hub.delete_branch(package.ref, branch)


def _collect(hub: Hub, packages: Sequence[Package], journal: Journal, title: str) -> str:
    owner = packages[-1].ref.repo_id.split("/", 1)[0]
    with journal.step("collection", title=title):
        return hub.add_to_collection(owner, title, [package.ref for package in packages])
