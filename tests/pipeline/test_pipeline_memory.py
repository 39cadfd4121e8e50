"""What is remembered where: the workspace, and without it the lock and the Hub."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from publisher.errors import HubpubError
from publisher.evidence.files import inventory
from publisher.evidence.hashes import HashCache
from publisher.evidence.record import record
from publisher.hub.port import Add
from publisher.hub.remote import RemoteHub
from publisher.manifest.lock import Lock, LockedArtifact, LockedStage, Released
from publisher.manifest.project import ReleasePaths
from publisher.manifest.training import TrainSettings
from publisher.pipeline.measured_at import measured_at
from publisher.pipeline.memory import WorkspaceMemory
from publisher.pipeline.release import Release
from publisher.pipeline.run import Stage
from publisher.records.artifacts import Artifact, FileRecord, RepoRef
from publisher.records.facts import Measurement
from publisher.records.runs import Adapter, Validation

_repos = itertools.count(1)


def train(paths: ReleasePaths, settings: TrainSettings) -> Adapter:
    """Weights that are a large file and a configuration that is none."""
    folder = paths.artifact("adapter")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "adapter_model.safetensors").write_bytes(bytes(range(256)) * 100)
    (folder / "adapter_config.json").write_text("{}\n")
    facts = record("train", (Measurement("train.final_loss", 0.5, "nats/token"),), paths.evidence)
    return Adapter(Artifact("adapter", str(folder), inventory(folder)), facts)


TRAIN = Stage(train, why="", remembered=True)


class Published:
    """An adapter that was trained, kept and published; then the workspace is deleted."""

    def __init__(self, release: Release, hub: RemoteHub) -> None:
        self.paths, self.hub = release.paths, hub
        self.ref = RepoRef(f"alice/adapter-{next(_repos)}")
        self.made = train(self.paths, TrainSettings())
        self.hub.create(self.ref, private=True)
        state = self.hub.state(self.ref)
        assert state
        assert state.head
        folder = Path(self.made.artifact.folder)
        adds = [Add(f.path, folder / f.path) for f in self.made.artifact.files]
        commit = hub.commit(self.ref, "main", adds, title="release", body="", parent=state.head)
        self.lock = Lock(
            name="tiny",
            facts=self.made.facts,
            artifacts={"adapter": LockedArtifact(self.ref.repo_id, self.made.artifact.files)},
            stages={"train": LockedStage("the key", 1)},
            released={hub.host: Released("1.0.0", {self.ref.repo_id: commit})},
        )
        shutil.rmtree(self.paths.workspace)

    def memory(self, *, may_train: bool = False, lock: Lock | None = None) -> WorkspaceMemory:
        return WorkspaceMemory(
            self.paths, lock or self.lock, lambda: self.hub, may_train, HashCache(self.paths.hashes)
        )


@pytest.fixture
def published(open_release: Callable[..., Release], alice: RemoteHub) -> Published:
    return Published(open_release(), alice)


def test_a_deleted_workspace_is_restored_from_the_hub_by_digest(published: Published) -> None:
    """Nothing is trained again because a cache was thrown away."""
    found, reason = published.memory().recall(TRAIN, "the key")

    assert "restored as the lock has it" == reason
    assert published.made == found
    assert published.made.artifact.files == inventory(Path(found.artifact.folder))
    assert (published.paths.evidence / "train.json").is_file()


def test_where_nothing_is_trained_what_the_lock_does_not_have_is_an_error(published: Published) -> None:
    """A CI runner would train for hours. What was trained already comes back as ever."""
    memory = replace(published.memory(), never_train=True)
    never_made = replace(memory, lock=None)
    with pytest.raises(HubpubError) as caught:
        never_made.recall(TRAIN, "the key")

    assert published.made == memory.recall(TRAIN, "the key")[0]
    assert ("HP-R03", 2) == (caught.value.code, caught.value.exit_code)
    assert "this would train, and --no-train was said: nothing was made yet" == caught.value.what
    assert "hubpub promote tiny" in caught.value.hint


def test_what_was_restored_is_remembered_like_what_was_made(published: Published) -> None:
    """The second run after a restoration asks no Hub."""
    published.memory().recall(TRAIN, "the key")
    without_hub = WorkspaceMemory(
        published.paths, None, _no_hub, may_train=False, hashes=HashCache(published.paths.hashes)
    )

    assert (published.made, "unchanged") == without_hub.recall(TRAIN, "the key")


def test_when_something_was_measured_is_known_where_it_was_measured(published: Published) -> None:
    """Facts carry no time, so what came back from the Hub has none; and another run's time is not this one's."""
    published.memory().recall(TRAIN, "the key")
    restored = measured_at(published.paths, published.lock)
    memory = replace(published.memory(), clock=lambda: 1_767_225_600.75)
    memory.keep(TRAIN, "the key", published.made)
    measured = measured_at(published.paths, published.lock)
    memory.keep(TRAIN, "another key", published.made)
    another = measured_at(published.paths, published.lock)

    assert ({}, {"train": "2026-01-01T00:00:00Z"}, {}) == (restored, measured, another)
    assert (published.made, "unchanged") == memory.recall(TRAIN, "another key")


@pytest.mark.parametrize("kept", [b"", b"[1]", b"\xff", b'{"key": "the key"}'])
def test_a_damaged_memory_tells_no_time(published: Published, kept: bytes) -> None:
    """A cache must not keep a card from being explained."""
    published.paths.stages.mkdir(parents=True)
    (published.paths.stages / "train.json").write_bytes(kept)

    assert {} == measured_at(published.paths, published.lock)


def test_a_moved_workspace_is_remembered_where_it_lies_now(
    published: Published, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A copied checkout must not publish the files of the original."""
    published.memory().recall(TRAIN, "the key")
    elsewhere = tmp_path_factory.mktemp("moved") / "tiny"
    shutil.move(published.paths.workspace, elsewhere)
    moved = replace(published.memory(), paths=replace(published.paths, workspace=elsewhere), lock=None)
    found, reason = moved.recall(TRAIN, "the key")

    assert "unchanged" == reason
    assert str(elsewhere / "artifacts" / "adapter") == found.artifact.folder


def test_changed_settings_of_a_published_training_are_refused_without_train(published: Published) -> None:
    """On a fresh checkout a training would make other weights than those that everybody has."""
    with pytest.raises(HubpubError) as caught:
        published.memory().recall(TRAIN, "another key")

    assert "HP-R03" == caught.value.code
    assert "--train" in caught.value.hint


def test_train_says_that_it_may_be_trained_again(published: Published) -> None:
    """Whoever says so by name means it."""
    found, reason = published.memory(may_train=True).recall(TRAIN, "another key")

    assert (None, "inputs, settings or packages changed") == (found, reason)


def test_a_rehearsal_whose_hub_is_gone_is_no_reason_to_refuse(published: Published) -> None:
    """Nobody has those weights, so nothing can be contradicted."""
    gone = LockedArtifact("alice/never-there", published.made.artifact.files)
    rehearsed = replace(
        published.lock,
        artifacts={"adapter": gone},
        released={"local": Released("1.0.0", {"alice/never-there": "0" * 40})},
    )

    found, _ = published.memory(lock=rehearsed).recall(TRAIN, "another key")
    assert found is None


def test_other_bytes_than_the_lock_names_are_refused_and_not_kept(published: Published) -> None:
    """A Hub that serves something else must not become our truth."""
    forged = [
        FileRecord(f.path, f.size, "0" * 64) if f.path.endswith(".json") else f
        for f in published.made.artifact.files
    ]
    lock = replace(
        published.lock, artifacts={"adapter": LockedArtifact(published.ref.repo_id, tuple(forged))}
    )
    with pytest.raises(HubpubError) as caught:
        published.memory(lock=lock).recall(TRAIN, "the key")

    assert "HP-R01" == caught.value.code
    assert not published.paths.artifact("adapter").exists()


def test_what_would_be_restored_is_foreseen_without_a_file_being_fetched(published: Published) -> None:
    """`status` on a fresh checkout must say what a release would do, and do nothing."""
    foreseen = published.memory().foresee(TRAIN, "the key")

    assert published.made == foreseen
    assert not published.paths.workspace.exists()
    assert published.memory().foresee(TRAIN, "another key") is None


def test_measurements_come_back_from_the_lock_alone(published: Published) -> None:
    """Facts are in git; their evidence is written again, byte for byte."""
    facts = record("validate", (Measurement("validate.base.smoke_passed", 1),), published.paths.evidence)
    written = (published.paths.evidence / "validate.json").read_bytes()
    shutil.rmtree(published.paths.workspace)
    lock = replace(published.lock, facts=facts, stages={"validate": LockedStage("v", 1)})

    def validate() -> Validation:
        raise AssertionError("nothing runs")

    memory = WorkspaceMemory(
        published.paths, lock, _no_hub, may_train=False, hashes=HashCache(published.paths.hashes)
    )
    found, _ = memory.recall(Stage(validate, why="", remembered=True), "v")

    assert Validation(facts) == found
    assert written == (published.paths.evidence / "validate.json").read_bytes()


def test_nothing_was_made_yet_is_a_reason_of_its_own(published: Published) -> None:
    """A first run is told apart from a change."""
    memory = WorkspaceMemory(
        published.paths, None, _no_hub, may_train=False, hashes=HashCache(published.paths.hashes)
    )

    assert (None, "nothing was made yet") == memory.recall(TRAIN, "the key")


def _no_hub() -> Any:
    raise AssertionError("no Hub is asked")
