"""The demo itself, on its real model, in the short form: five micro-batches instead of forty."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from release_room import Room

pytestmark = [pytest.mark.models, pytest.mark.long]

ROOT = Path(__file__).resolve().parents[2]
SHORT = {
    "scenes: 60": "scenes: 24",
    "batch_size: 8": "batch_size: 4",
    "gradient_accumulation: 2": "gradient_accumulation: 1",
    "steps: 20": "steps: 5",
    "evaluate: {rows: 64, answers: 24,": "evaluate: {rows: 16, answers: 8,",
}


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Room:
    """The committed manifest, shortened, in a project of its own."""
    root = tmp_path_factory.mktemp("demo")
    cards = root / "model_cards" / "smollm2-aerial"
    shutil.copytree(
        ROOT / "model_cards" / "smollm2-aerial", cards, ignore=shutil.ignore_patterns("cards", "*.lock.json")
    )
    manifest = (cards / "release.yaml").read_text(encoding="utf-8")
    for long_form, short_form in SHORT.items():
        assert long_form in manifest
        manifest = manifest.replace(long_form, short_form)
    (cards / "release.yaml").write_text(manifest, encoding="utf-8")
    return Room(root, "smollm2-aerial")


def test_a_real_model_is_trained_proven_and_released(demo: Room) -> None:
    """What a newcomer types first. Every part is the real one: weights, 4-bit training, Hub, code of the cards."""
    ran = demo.release()

    assert (0, []) == (ran.code, ran.errors), ran.err
    assert "5 repos fetched back and compared; 5 loaded and run" in ran.out
    assert "7 code blocks executed" in ran.out

    lock = json.loads((demo.cards / "release.lock.json").read_text(encoding="utf-8"))
    facts = {fact["id"]: fact["value"] for fact in lock["facts"]}

    assert (134_515_008, 7_372_800) == (facts["merged.parameters"], facts["train.trainable_parameters"])
    assert (5, 20) == (facts["train.micro_batches"], facts["train.examples_seen"])
    assert facts["train.final_loss"] < facts["train.first_loss"]
    assert facts["evaluate.merged.loss"] < facts["evaluate.base.loss"]
    # what the next version may not be worse than
    assert facts["evaluate.merged.loss"] == lock["released"]["local"]["numbers"]["evaluate.merged.loss"]


def test_its_cards_name_the_base_that_these_weights_come_from(demo: Room) -> None:
    """They went through four bits: no card may say that they are the original."""
    base = (demo.cards / "cards" / "base.md").read_text(encoding="utf-8")
    merged = (demo.cards / "cards" / "merged.md").read_text(encoding="utf-8")

    assert "base_model: HuggingFaceTB/SmolLM2-135M-Instruct\nbase_model_relation: quantized" in base
    assert "base_model: hubpub-demo/SmolLM2-135M-Instruct-Q4_1-dequantized\n" in merged
    assert not re.search(r"base_model: HuggingFaceTB", merged)


def test_the_same_command_again_has_nothing_to_do(demo: Room) -> None:
    """Three seconds are the promise; the time itself is measured by `make bench`, not here."""
    again = demo.release()

    assert (0, []) == (again.code, again.errors)
    assert "nothing to do" in again.out
    assert {"preflight", "version", "changes", "gates", "check", "package", "plan"} == set(again.worked)


def test_a_rehearsal_whose_hub_is_gone_goes_up_again_over_xet_where_that_is_asked_for(demo: Room) -> None:
    """Xet is the client's second path: what is proven does not depend on how the bytes travelled."""
    hub = demo.root / ".hubpub" / "_hub"
    shutil.rmtree(hub)
    ran = demo.run("release", demo.name, "--hub", "local", "--yes", HF_HUB_DISABLE_XET="0")

    assert (0, []) == (ran.code, ran.errors), ran.err
    assert "train" not in ran.worked
    assert [file for file in (hub / "xet").rglob("*") if file.is_file()]
    assert {"v1.0.0"} == {tag for repo in demo.published().values() for tag in repo.tags}
