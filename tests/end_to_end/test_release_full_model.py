"""A full fine-tune, from the folder that a trainer saved it to: begun by `init`, released, and said to be tuned."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from release_room import Room

pytest.importorskip("torch")
pytestmark = pytest.mark.models

FRONT = "---\nlicense: mit\nbase_model: acme/untuned\n---\n# A run\n"


@pytest.fixture
def room(tmp_path: Path, tiny_base: Path) -> Room:
    """A project with nothing but the model, and beside its weights what a trainer leaves there."""
    out = tmp_path / "out" / "sft"
    shutil.copytree(tiny_base, out)
    (out / "README.md").write_text(FRONT)
    (out / "training_args.bin").write_bytes(b"a pickle")
    (out / "checkpoint-3").mkdir()
    (out / "checkpoint-3" / "optimizer.pt").write_bytes(b"a pickle")
    return Room(tmp_path, "tuned")


def test_a_full_fine_tune_is_released_without_what_its_trainer_left(room: Room) -> None:
    """One repo, under the release's own name; its card says what it was tuned from, not that it is quantized."""
    begun = room.run("init", "tuned", "--from-model", "out/sft", "--yes", "--owner", "acme", "--hub", "local")
    assert 0 == begun.code, begun.err
    for section in ("intended_use", "limitations"):
        (room.cards / f"{section}.md").write_text("It answers sums, and only those that it has seen.\n")
    ran = room.release("--proof", "static")  # what is loaded and run is the same as for other models

    assert 0 == ran.code, ran.err
    files = room.published()["acme/tuned"].files
    card = files["README.md"].decode()
    assert "base_model: acme/untuned\nbase_model_relation: finetune\n" in card
    assert "license: mit\n" in card
    assert "only those that it has seen" in card
    assert [] == [path for path in files if "checkpoint" in path or path.endswith((".bin", ".pt"))]
