"""Publishing, second half: what was proven appears on `main`, in one guarded commit a repo."""

from __future__ import annotations

from collections.abc import Sequence

from publisher.errors import HubpubError
from publisher.hub.port import Copy, Delete, Hub, Operation
from publisher.records.plans import Package, Plan, RepoPlan
from publisher.records.receipts import Promoted, Proof, Proven, Staged
from publisher.release.commit import commit_once
from publisher.release.conflict import pushed_meanwhile, refuse_foreign_push
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
    """Promote all repos in dependency order: commit, compare, tag, visibility; the staging branches go at the end.

    Raises:
        HubpubError: HP-R02 where a proof is missing; HP-R01 where `main` is not what was proven; HP-H05 where someone pushed to `main` since the plan; nothing of theirs is overwritten.
    """
    proofs = {proof.kind: proof for proof in proven.proofs}
    for package in packages:
        if plan.repo(package.kind).changes and package.kind not in proofs:
            raise HubpubError(
                "HP-R02",
                f"{package.ref.repo_id} has no proof, and nothing is promoted without one",
                where=hub.endpoint,
                hint=f"hubpub release {plan.name}",
            )
    parents = {
        package.kind: _parent(hub, plan.repo(package.kind), staged)
        for package in packages
        if plan.repo(package.kind).touches_files
    }
    commits: dict[str, str] = {}
    for package in packages:
        repo = plan.repo(package.kind)
        if repo.touches_files:
            head = _promote_files(hub, plan, repo, package, staged, journal, parent=parents[package.kind])
        else:
            head = staged.commits[package.ref.repo_id]
        _tag_and_show(hub, plan, repo, package, proofs.get(package.kind), journal, head=head, message=message)
        commits[package.ref.repo_id] = head
    slug = _collect(hub, packages, journal, collection) if collection else None
    # Last, because a staging branch that is still there tells the next run that something is left to do.
    for package in packages:
        _drop_branches(hub, plan, plan.repo(package.kind), package, journal)
    return Promoted(commits, slug)


def _tag_and_show(
    hub: Hub,
    plan: Plan,
    repo: RepoPlan,
    package: Package,
    proof: Proof | None,
    journal: Journal,
    *,
    head: str,
    message: str,
) -> None:
    ref = package.ref
    for step in repo.changes:
        if step.op == "tag" and proof is not None:
            text = message or f"{plan.name} {plan.version}"
            with journal.step("tag", repo=ref.repo_id, tag=plan.tag, at=head):
                hub.create_tag(
                    ref, plan.tag, at=head, message=f"{text}\n\nproof: {proof.level}\nstaged: {proof.commit}"
                )
        elif step.op == "visibility":
            with journal.step("visibility", repo=ref.repo_id, to=step.path):
                hub.set_visibility(ref, private=package.private)


def _parent(hub: Hub, repo: RepoPlan, staged: Staged) -> str:
    """The commit of `main` to build upon; all repos are looked at before the first one changes."""
    # A repo that the plan created has had one commit since, the Hub's own: what was staged stands on that.
    parent = repo.head or hub.commits(repo.ref, staged.commits[repo.ref.repo_id])[1].id
    refuse_foreign_push(hub, repo.ref, parent)
    return parent


def _promote_files(
    hub: Hub, plan: Plan, repo: RepoPlan, package: Package, staged: Staged, journal: Journal, *, parent: str
) -> str:
    source = staged.commits[package.ref.repo_id]
    operations: list[Operation] = [
        Copy(path, source) if step.op == "upload" else Delete(path)
        for step in repo.file_changes
        for path in (str(step.path),)
    ]
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
            raise pushed_meanwhile(hub, package.ref, parent) from fault
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
