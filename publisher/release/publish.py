"""Publishing, first half: everything goes to a branch of its own, and `main` stays as it is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from publisher.hub.port import Add, Delete, Heard, Hub, Operation
from publisher.records.artifacts import RepoRef
from publisher.records.plans import Package, Plan, RepoPlan, Step
from publisher.records.receipts import Staged
from publisher.release.commit import commit_once
from publisher.release.compare import same
from publisher.release.conflict import look_again, look_before_sending, refuse_foreign_branch
from publisher.release.journal import Journal
from publisher.release.rename import move_once
from publisher.release.trailer import trailer, trailer_of


def stage(
    hub: Hub,
    plan: Plan,
    packages: Sequence[Package],
    journal: Journal,
    on_bytes: Heard | None = None,
) -> Staged:
    """Upload each repo's changes to the branch `hubpub/v<version>`, one commit a repo.

    What an earlier run staged is found by looking: the same branch with the same files is not sent again.

    Raises:
        HubpubError: HP-H05 where a repo is not as the plan saw it any more: nothing is sent then.
    """
    look_again(hub, plan)
    for repo in plan.repos:
        if (
            repo.renamed_from is not None
        ):  # before anything is sent: from then on the old id leads to the new one
            with journal.step("rename", repo=repo.ref.repo_id, was=repo.renamed_from):
                move_once(hub, RepoRef(repo.renamed_from, repo.ref.repo_type), repo.ref)
    commits: dict[str, str] = {}
    for package in packages:
        repo = plan.repo(package.kind)
        if not repo.exists:
            with journal.step("create", repo=package.ref.repo_id):
                hub.create(package.ref, private=True)
        elif Step("visibility", "private") in repo.changes:  # before anything is sent that shall not be seen
            with journal.step("visibility", repo=package.ref.repo_id, to="private"):
                hub.set_visibility(package.ref, private=True)
        if repo.touches_files:
            commits[package.ref.repo_id] = _stage_repo(hub, plan, repo, package, journal, on_bytes)
        elif repo.head is not None:
            commits[package.ref.repo_id] = repo.head
    changed = tuple(p.ref.repo_id for p in packages if plan.repo(p.kind).touches_files)
    return Staged(commits, changed)


def _stage_repo(
    hub: Hub,
    plan: Plan,
    repo: RepoPlan,
    package: Package,
    journal: Journal,
    on_bytes: Heard | None,
) -> str:
    head, branches = look_before_sending(hub, plan, repo)
    begun = branches.get(plan.branch)
    if begun is not None:
        main = hub.commits(package.ref, "main")
        refuse_foreign_branch(hub, package.ref, plan.name, plan.branch, main)
        if _goes_on(hub, plan, package, begun, head) and _holds(hub, repo, package, begun):
            return begun
    if begun is not None and begun != head:
        with journal.step("unbranch", repo=package.ref.repo_id, branch=plan.branch):
            hub.delete_branch(package.ref, plan.branch)
        begun = None
    if begun is None:
        with journal.step("branch", repo=package.ref.repo_id, branch=plan.branch, at=head):
            hub.create_branch(package.ref, plan.branch, at=head)
    operations = operations_of(package, repo.file_changes)
    with journal.step("stage", repo=package.ref.repo_id, branch=plan.branch, bytes=repo.bytes_to_upload):
        return commit_once(
            hub,
            package.ref,
            plan.branch,
            operations,
            mark=trailer(plan),
            title=f"Stage {plan.name} {plan.label}: {package.kind}",
            parent=head,
            on_bytes=on_bytes,
        )


def operations_of(package: Package, steps: Iterable[Step]) -> list[Operation]:
    """What a commit does for these steps, each an upload or the deletion of a file."""
    if package.folder is None:
        raise AssertionError("only artifacts that lie here are staged")
    folder, texts = Path(package.folder), package.readme.texts if package.readme else {}
    return [
        Add(path, texts[path].encode() if path in texts else folder / path)
        if step.op == "upload"
        else Delete(path)
        for step in steps
        for path in (str(step.path),)
    ]


def _goes_on(hub: Hub, plan: Plan, package: Package, staged: str, head: str) -> bool:
    """Whether what was staged is meant for this outcome, and continues `main` as it is.

    Else it may hold a file that is not wanted any more, or lack what others have pushed since.
    """
    history = hub.commits(package.ref, staged)
    return len(history) > 1 and history[1].id == head and trailer_of(history[0]) == trailer(plan)


def _holds(hub: Hub, repo: RepoPlan, package: Package, commit: str) -> bool:
    """Whether a commit has every file that the plan uploads, and none that it deletes."""
    tree = {file.path: file for file in hub.tree(package.ref, commit)}
    ours = {file.path: file for file in package.files}
    for step in repo.file_changes:
        path = str(step.path)
        if step.op == "upload" and not same(hub, package, commit, tree.get(path), ours[path]):
            return False
        if step.op == "delete" and path in tree:
            return False
    return True
