"""Publishing, first half: everything goes to a branch of its own, and `main` stays as it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from publisher.hub.port import Add, Delete, Hub, Operation
from publisher.records.plans import Package, Plan, RepoPlan, Step
from publisher.records.receipts import Staged
from publisher.release.commit import commit_once
from publisher.release.compare import same
from publisher.release.conflict import pushed_meanwhile
from publisher.release.journal import Journal


def stage(
    hub: Hub,
    plan: Plan,
    packages: Sequence[Package],
    journal: Journal,
    on_bytes: Callable[[int], None] | None = None,
) -> Staged:
    """Upload each repo's changes to the branch `hubpub/v<version>`, one commit a repo.

    What an earlier run staged is found by looking: the same branch with the same files is not sent again.

    Raises:
        HubpubError: HP-H05 where someone pushed to `main` since the plan: nothing is sent then.
    """
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
    on_bytes: Callable[[int], None] | None,
) -> str:
    state = hub.state(package.ref)
    if state is None or state.head is None:
        raise AssertionError(f"{package.ref.repo_id} was created and has no main")
    if repo.head not in (None, state.head):
        raise pushed_meanwhile(hub, package.ref, str(repo.head))
    begun = state.branches.get(plan.branch)
    if (
        begun is not None
        and _stands_on(hub, package, begun, state.head)
        and _holds(hub, repo, package, begun)
    ):
        return begun
    if begun is not None and begun != state.head:
        with journal.step("unbranch", repo=package.ref.repo_id, branch=plan.branch):
            hub.delete_branch(package.ref, plan.branch)
        begun = None
    if begun is None:
        with journal.step("branch", repo=package.ref.repo_id, branch=plan.branch, at=state.head):
            hub.create_branch(package.ref, plan.branch, at=state.head)
    operations = _operations(repo, package)
    with journal.step("stage", repo=package.ref.repo_id, branch=plan.branch, bytes=repo.bytes_to_upload):
        return commit_once(
            hub,
            package.ref,
            plan.branch,
            operations,
            plan=plan,
            title=f"Stage {plan.name} {plan.label}: {package.kind}",
            parent=state.head,
            on_bytes=on_bytes,
        )


def _operations(repo: RepoPlan, package: Package) -> list[Operation]:
    if package.folder is None:
        raise AssertionError("only artifacts that lie here are staged")
    folder = Path(package.folder)
    return [
        Add(path, folder / path) if step.op == "upload" else Delete(path)
        for step in repo.file_changes
        for path in (str(step.path),)
    ]


def _stands_on(hub: Hub, package: Package, staged: str, head: str) -> bool:
    """Whether what was staged continues `main` as it is: else it lacks what others have pushed since."""
    history = hub.commits(package.ref, staged)
    return len(history) > 1 and history[1].id == head


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
