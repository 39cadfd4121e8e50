"""A fresh clone has the lock and no workspace: what it can tell of a release without making or fetching anything."""

from __future__ import annotations

import itertools
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from publisher.hub.remote import RemoteHub
from publisher.manifest.lock import read_lock, write_lock
from publisher.manifest.project import Project
from publisher.pipeline.changed import why_changed
from publisher.pipeline.look import stage_states
from publisher.pipeline.opened import Release
from publisher.pipeline.release import run_release
from publisher.pipeline.services import Wishes

sys.path.append(str(Path(__file__).resolve().parents[2] / "benchmarks"))
from tiny_project import NAME, write_project

_repos = itertools.count()
STATIC = Wishes(yes=True, proof="static")


@pytest.fixture
def clone(tmp_path: Path, alice: RemoteHub, notes: Any) -> Callable[[], Release]:
    """An adapter that was released, its base no artifact of the release; the workspace is gone."""
    manifest = write_project(tmp_path, ("adapter",)) / "release.yaml"
    artifact = f"adapter: {{repo: alice/clone-{next(_repos)}, proof: static}}"
    text = manifest.read_text().replace("adapter: {}", artifact).replace("owner: acme", "owner: alice")
    manifest.write_text(text.replace("visibility: public", "visibility: private\nversion: 1.0.0"))

    def opened() -> Release:
        return Release.open(Project(tmp_path), NAME)

    run_release(opened(), alice, alice, STATIC, notes)
    shutil.rmtree(opened().paths.workspace)
    return opened


def test_nothing_changed_where_the_base_is_no_artifact(
    clone: Callable[[], Release], alice: RemoteHub
) -> None:
    """Else one CI job of forty releases would fetch forty bases to find that there is nothing to do."""
    states = {state.name: state for state in stage_states(clone(), alice, "static")}

    assert why_changed(clone(), alice, STATIC) is None
    assert (True, True) == (states["resolve"].runs, states["resolve"].the_same), (
        "its files are needed, once any is"
    )
    assert "will be restored as the lock has it" == states["train"].reason
    assert not clone().paths.workspace.exists()


def test_another_base_is_a_change(clone: Callable[[], Release], alice: RemoteHub) -> None:
    """It is told by the stage's key, as where the files are."""
    config = clone().paths.folder / "inputs" / "base" / "config.json"
    config.write_text(config.read_text().replace('"float32"', '"bfloat16"'))

    assert str(why_changed(clone(), alice, STATIC)).startswith("resolve: ")


def test_another_adapter_is_a_change_though_the_base_is_the_same(
    clone: Callable[[], Release], alice: RemoteHub
) -> None:
    """The keys of later stages are told with the digest that the lock has of the base."""
    file = clone().paths.folder / "inputs" / "adapter" / "adapter_model.safetensors"
    file.write_bytes(file.read_bytes()[:-4] + b"\0\0\0\x3f")

    assert str(why_changed(clone(), alice, STATIC)).startswith("train: ")


def test_a_lock_of_before_tells_less_and_nothing_wrong(
    clone: Callable[[], Release], alice: RemoteHub
) -> None:
    """Without the digest it is looked at again, as it always was."""
    paths = clone().paths
    lock = read_lock(paths.lock)
    assert lock is not None
    write_lock(paths.lock, replace(lock, stages={n: replace(s, made="") for n, s in lock.stages.items()}))

    assert str(why_changed(clone(), alice, STATIC)).startswith("resolve: ")


def test_asking_for_less_proof_than_was_given_is_no_change(
    clone: Callable[[], Release], alice: RemoteHub, notes: Any
) -> None:
    """A machine with a GPU proved it by running; CI asks for less."""
    before = clone().lock
    run_release(clone(), alice, alice, Wishes(yes=True, proof="run"), notes)
    shutil.rmtree(clone().paths.workspace)
    after = clone().lock
    assert before is not None
    assert after is not None

    assert before.stages["validate"].key != after.stages["validate"].key
    assert why_changed(clone(), alice, STATIC) is None
