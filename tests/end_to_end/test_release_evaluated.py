"""A release that is evaluated: its numbers, and what becomes of a model that does not beat its base."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from release_room import Room

pytestmark = [pytest.mark.models, pytest.mark.long]

EVALUATE = "evaluate: {rows: 4, answers: 3, max_new_tokens: 6, general: general.txt}\n"


@pytest.fixture(scope="module")
def worse(adopted_project: Room, tmp_path_factory: pytest.TempPathFactory) -> Room:
    """An adapter of random numbers, whose held-out loss is above its base's."""
    room = adopted_project.copy(tmp_path_factory.mktemp("worse") / "project")
    manifest = room.cards / "release.yaml"
    manifest.write_text(manifest.read_text(encoding="utf-8") + EVALUATE, encoding="utf-8")
    (room.cards / "general.txt").write_text("1 + 2 = 3\n\nyes, one of them\n", encoding="utf-8")
    return room


def test_the_command_measures_and_shows_it(worse: Room) -> None:
    """Losses of rows and of general text, answers in their wording and variety, each beside the base's."""
    ran = worse.run("evaluate", worse.name, "--format", "json")
    told = json.loads(ran.out)
    found = {(row["model"], row["metric"]): row for row in told["metrics"]}
    loss = found["adapter", "loss"]

    assert (0, "hubpub/evaluate/1") == (ran.code, told["schema"]), ran.err
    assert loss["low"] < loss["value"] < loss["high"]
    assert {"base", "adapter", "references"} == {model for model, _ in found}
    assert {"general.loss", "chrf", "rouge_l", "likelihood", "self_bleu", "cut_off"} <= {
        name for _, name in found
    }
    assert not any(name.startswith(("spatial.", "json_")) for _, name in found)
    change = next(row for row in told["differences"] if row["metric"] == "loss")
    assert ("adapter", "base") == (change["model"], change["against"])
    assert change["value"] == pytest.approx(loss["value"] - found["base", "loss"]["value"])
    assert 0 < change["p"] <= 1


def test_a_model_that_does_not_beat_its_base_is_not_released(worse: Room) -> None:
    """Exit 1 and the way out, though the manifest sets no gate."""
    ran = worse.release("--proof", "static", "--until", "gates")

    assert 1 == ran.code
    assert "error[HP-E09]: not better than the base on the held-out rows: adapter has a loss of" in ran.err
    assert "--allow-worse" in ran.err


def test_it_is_released_knowingly_and_its_card_says_so(worse: Room) -> None:
    """In words, not only in a table."""
    ran = worse.release("--proof", "static", "--until", "card", "--allow-worse")
    card = Path(worse.cards / "cards" / "adapter.md").read_text(encoding="utf-8")

    assert 0 == ran.code, ran.err
    assert "## Evaluation\n\n**This model does not beat its base model**" in card


def test_a_general_text_that_is_not_there_is_told_in_the_first_second(worse: Room, tmp_path: Path) -> None:
    """Before anything is trained."""
    room = worse.copy(tmp_path / "project")
    (room.cards / "general.txt").unlink()
    ran = room.release("--until", "gates")

    assert 2 == ran.code
    assert "error[HP-M06]: evaluate.general names general.txt, which does not exist" in ran.err
