"""An adopted adapter whose training is told by the files that its trainer left."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from pathlib import Path

import pytest
from release_room import Room
from tiny_rooms import NAME, write_project

pytestmark = [pytest.mark.models, pytest.mark.long]  # matplotlib draws the loss

STATE = {
    "best_model_checkpoint": "/home/anna/out/checkpoint-20",
    "epoch": 1.5,
    "global_step": 30,
    "max_steps": 30,
    "log_history": [
        {"step": 10, "loss": 2.5, "learning_rate": 0.0002, "grad_norm": 1.5},
        {"step": 20, "loss": 1.75, "learning_rate": 0.0001, "grad_norm": 1.25},
        {"step": 30, "loss": 1.4375, "learning_rate": 1e-05, "grad_norm": float("nan")},
    ],
}
ARGUMENTS = {
    "per_device_train_batch_size": 8,
    "learning_rate": 0.00035,
    "max_steps": 30,
    "output_dir": "/home/anna/out",
    "hub_token": "hf_s3cr3t",
    "run_name": "gpu-box-7",
}


@pytest.fixture
def room(tmp_path: Path) -> Room:
    """A base, an adapter, and a folder that its trainer left."""
    return _write(tmp_path)


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Room:
    """The same, released; for looking at only."""
    room = _write(tmp_path_factory.mktemp("imported"))
    ran = room.release("--proof", "static")
    assert 0 == ran.code, ran.err
    return room


def _write(root: Path) -> Room:
    folder = write_project(root, ("base", "adapter"))
    (folder / "inputs" / "run").mkdir()
    (folder / "inputs" / "run" / "trainer_state.json").write_text(json.dumps(STATE))
    (folder / "inputs" / "run" / "args.json").write_text(json.dumps(ARGUMENTS))
    with (folder / "release.yaml").open("a") as manifest:
        manifest.write("training_run: inputs/run\n")
    return Room(root, NAME)


def test_the_card_tells_the_imported_training_and_each_number_leads_to_its_file(released: Room) -> None:
    """Learning rate and loss of another's training, traced: card → fact → evidence → the trainer's file."""
    room = released
    card = room.artifact("adapter")["README.md"].decode()
    traced = json.loads(room.run("card", NAME, "--explain", "--format", "json").out)["cards"]
    spans = [span for each in traced if each["artifact"] == "adapter" for span in each["spans"]]
    evidence = room.artifact("adapter")["evidence/imported.json"]
    facts = {fact["id"]: fact for fact in room.lock()["facts"]}
    state = (room.cards / "inputs" / "run" / "trainer_state.json").read_bytes()

    assert "| Learning rate (peak) | 3.5e-4 |" in card
    assert re.search(r"^\| 30 \| 1\.4375 \| 1\.00e-5 \|$", card, re.MULTILINE)
    assert "no finite numbers: `grad_norm` (1)" in card
    assert "nats" not in card.partition("## Architecture")[0]
    assert "![Training loss as the trainer logged it](assets/loss.png)" in card
    assert room.artifact("adapter")["assets/loss.png"].startswith(b"\x89PNG")
    assert {"3.5e-4", "1.4375"} <= {span["text"] for span in spans if span.get("fact")}
    rate = facts["train.learning_rate"]
    assert ("imported", "evidence/imported.json") == (rate["stage"], rate["source"]["path"])
    assert hashlib.sha256(evidence).hexdigest() == rate["source"]["sha256"]
    assert 0.00035 == json.loads(evidence)["measured"]["train.learning_rate"]["value"]
    assert hashlib.sha256(state).hexdigest() == facts["train.source.trainer_state.sha256"]["value"]
    assert hashlib.sha256(state).hexdigest() in card


def test_nothing_of_the_trainers_machine_is_published(released: Room) -> None:
    """Token, user, host and paths stand in the files that were read."""
    every = b"".join(content for repo in released.published().values() for content in repo.files.values())

    assert [] == [word for word in (b"anna", b"gpu-box-7", b"s3cr3t", b"checkpoint-20") if word in every]


def test_a_file_that_changed_is_read_again_and_the_adapter_is_not(room: Room) -> None:
    """The facts are remembered by the bytes of the files; the weights' stage does not depend on them."""
    room.release("--proof", "static", "--until", "imported")
    again = room.release("--proof", "static", "--until", "imported")
    file = room.cards / "inputs" / "run" / "args.json"
    file.write_text(json.dumps({**ARGUMENTS, "learning_rate": 0.0005}))
    changed = room.release("--proof", "static", "--until", "imported")

    assert "unchanged" == again.skipped["imported"]
    assert ("imported" in changed.worked, "unchanged") == (True, changed.skipped["train"])
    measured = room.document("evidence/imported.json")["measured"]
    assert 0.0005 == measured["train.learning_rate"]["value"]


def test_a_fresh_clone_has_the_facts_from_the_lock(released: Room, tmp_path: Path) -> None:
    """Without a workspace the evidence file comes back byte for byte."""
    room = released.copy(tmp_path / "clone")
    before = (room.workspace / "evidence" / "imported.json").read_bytes()
    shutil.rmtree(room.workspace)
    ran = room.release("--proof", "static", "--until", "imported")

    assert 0 == ran.code, ran.err
    assert "restored as the lock has it" == ran.skipped["imported"]
    assert before == (room.workspace / "evidence" / "imported.json").read_bytes()


def test_settings_of_another_adapter_stop_the_release(room: Room) -> None:
    """Rank 2 is what lies in the file; a configuration that says 16 is another run's."""
    config = "base_model: acme/tiny-base\nmicro_batch_size: 8\nlora_r: 16\n"
    (room.cards / "inputs" / "run" / "axolotl.yml").write_text(config)
    ran = room.release("--proof", "static", "--until", "imported")

    assert (1, ["HP-A09"]) == (ran.code, ran.errors)
    assert "train.lora.r is 16 in axolotl.yml" in ran.err
    assert "2 in the adapter's own configuration" in ran.err
