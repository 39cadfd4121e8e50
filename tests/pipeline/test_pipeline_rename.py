"""Which repos an artifact was released to comes from the lock, so that a changed id is told apart from a new repo."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from publisher.hub.port import Add
from publisher.hub.remote import RemoteHub
from publisher.manifest.lock import Lock, LockedArtifact, Released, read_lock, write_lock
from publisher.pipeline.look import plan_locked
from publisher.pipeline.release import Release
from publisher.records.artifacts import Kind, RepoRef

OLD = RepoRef("alice/old-data", "dataset")
NEW = RepoRef("alice/new-data", "dataset")
MANIFEST = """
manifest: 1
version: 1.0.0
owner: alice
base: {model: alice/base, folder: base}
dataset: {folder: data}
artifacts: {dataset: {repo: alice/new-data}}
"""


def lock_of(locked: str, repos: dict[Kind, str]) -> Lock:
    """A lock whose artifact has one id, and whose last release has the former one."""
    return Lock(
        name="tiny",
        artifacts={"dataset": LockedArtifact(locked, ())},
        released={"hub.test": Released("1.0.0", {OLD.repo_id: "c" * 40}, repos)},
    )


@pytest.mark.parametrize(
    ("lock", "expected"),
    [
        # The cards are rendered, and the lock is written, before the repo is renamed: only the release itself counts.
        (lock_of(NEW.repo_id, {"dataset": OLD.repo_id}), {"dataset": OLD}),
        (
            lock_of(OLD.repo_id, {}),
            {"dataset": OLD},
        ),  # as locks were before they told which artifact went where
        (lock_of(NEW.repo_id, {}), {}),
        (replace(lock_of(OLD.repo_id, {}), released={}), {}),
        (None, {}),
    ],
)
def test_the_former_repos_are_those_of_the_last_release(
    open_release: Callable[..., Release], lock: Lock | None, expected: dict[Kind, RepoRef]
) -> None:
    """A death between the cards and the rename must not make the lock forget where the artifact is."""
    opened = replace(open_release(MANIFEST), lock=lock)

    assert expected == opened.repos_before("hub.test")
    assert {} == opened.repos_before("elsewhere")


def test_a_plan_from_the_lock_says_that_a_repo_will_be_renamed(
    open_release: Callable[..., Release], alice: RemoteHub
) -> None:
    """`hubpub plan` shows the line before anyone confirms it."""
    alice.create(OLD, private=True)
    head = str(alice.state(OLD).head)  # type: ignore[union-attr]
    alice.commit(OLD, "main", [Add("data.txt", b"rows")], title="tiny", body="", parent=head)
    opened = open_release(MANIFEST)
    write_lock(opened.paths.lock, lock_of(NEW.repo_id, {"dataset": OLD.repo_id}))
    plan = plan_locked(replace(opened, lock=read_lock(opened.paths.lock)), alice, None)

    assert ("rename", OLD.repo_id) == (plan.repos[0].changes[0].op, plan.repos[0].changes[0].path)
    assert (NEW, True) == (plan.repos[0].ref, plan.repos[0].exists)
    assert "create" not in {step.op for step in plan.repos[0].changes}
    assert alice.state(NEW) is None, "a plan changes nothing"
