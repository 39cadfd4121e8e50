"""A team whose policy is that somebody else promotes: release stops when it is proven, promote is a job of its own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from release_room import Room
from tiny_rooms import NAME, write_project

pytestmark = [pytest.mark.models, pytest.mark.long]

REPOS = ("acme/adopted-base", "acme/adopted-data", "acme/adopted-lora")


def test_a_release_that_may_not_promote_stops_when_it_is_proven_and_another_job_promotes_it(
    validated: Room,
) -> None:
    """The job that promotes has the lock and the Hub: no workspace, no model is loaded, and all the same the end is whole."""
    (validated.root / "model_cards" / "project.yaml").write_text("manifest: 1\npolicy: {promote: separate}\n")
    stopped = validated.release()
    before = validated.published()
    status = validated.run("status", "adopted", "--hub", "local")
    lock = validated.lock()
    aside = validated.workspace.rename(validated.root / "aside")
    unasked = validated.run("promote", "adopted", "--hub", "local")
    promoted = validated.run("promote", "adopted", "--hub", "local", "--yes", "--format", "json", "-q")
    after = validated.published()
    again = validated.run("promote", "adopted", "--hub", "local")
    children = validated.children()
    receipt = validated.document("hubs/local/receipts/1.0.0.json")
    validated.workspace.rename(validated.root / "promoted")
    aside.rename(validated.workspace)
    released = validated.release()

    assert 0 == stopped.code, stopped.err
    assert {"promote": "policy.promote: separate", "receipt": "policy.promote: separate"} == {
        stage: why for stage, why in stopped.skipped.items() if stage in ("promote", "receipt")
    }
    assert "Staged and proven: adopted 1.0.0" in stopped.out
    assert "next:    hubpub promote adopted --hub local" in stopped.out
    assert {} == lock["released"]
    assert [{} for _ in REPOS] == [before[repo].files for repo in REPOS]
    assert "acme/adopted-lora: private, no tag, staged: hubpub/v1.0.0, proven: 1.0.0 (run)" in status.out

    assert (2, ["HP-R04"]) == (unasked.code, unasked.errors)
    assert "# tag v1.0.0" in unasked.err
    assert (0, "") == (promoted.code, promoted.err)
    document = json.loads(promoted.out)
    assert ("hubpub/promote/1", "promoted", "1.0.0", "run", list(REPOS)) == (
        document["schema"], document["state"], document["version"], document["proof"],
        [repo["repo_id"] for repo in document["repos"]],
    )  # fmt: skip
    assert [(["v1.0.0"], ["main"], 2)] * 3 == [
        (list(after[repo].tags), list(after[repo].branches), len(after[repo].commits)) for repo in REPOS
    ]
    assert {repo["repo_id"]: repo["commit"] for repo in receipt["repos"]} == {
        repo: after[repo].branches["main"] for repo in REPOS
    }
    assert {} == children
    assert (0, True) == (again.code, "nothing to promote: 1.0.0 is on main" in again.out)
    assert (0, True) == (released.code, "nothing to do" in released.out), released.err


def test_a_single_release_can_stop_there_as_well(tmp_path: Path) -> None:
    """Without any policy: what is proven waits until somebody says so, and the next release goes on from it."""
    write_project(tmp_path)
    room = Room(tmp_path, NAME)
    stopped = room.release("--proof", "static", "--until", "verify", "--format", "json")
    staged, waiting = room.journaled("begin", "stage"), room.published()
    released = room.release("--proof", "static")

    assert 0 == stopped.code, stopped.err
    document = json.loads(stopped.out)
    assert ("staged and proven", "static", list(waiting)) == (
        document["state"], document["proof"], sorted(repo["repo_id"] for repo in document["repos"]),
    )  # fmt: skip
    assert [["hubpub/v1.0.0/static"]] * 3 == [list(repo.tags) for repo in waiting.values()]
    assert 0 == released.code, released.err
    assert (3, 3, 3) == (staged, room.journaled("begin", "stage"), room.journaled("begin", "promote"))
    assert [["v1.0.0"]] * 3 == [list(repo.tags) for repo in room.published().values()]
