"""A rehearsal with a stand-in, by the command line: everything is made, proven and published here, and stays here."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from release_room import Ran, Room

from publisher.card.readme import parse
from publisher.engine.gguf_converter import installed
from publisher.errors import HubpubError
from publisher.records.stand_in import MARK, TAG
from publisher.weights.gguf import header_of
from publisher.weights.stand_in import is_marked

pytestmark = pytest.mark.models

ROOT = Path(__file__).resolve().parents[2]
ELSEWHERE = "http://192.0.2.1"  # an address for documentation: nobody answers there

SMALL = """
manifest: 1
version: 1.0.0
owner: acme
visibility: public
licence: gemma
base: google/gemma-3-4b-it
dataset:
  build: {from: aeriald, folder: photographs, enhance: {model: some-model}, split: {validation_share: 0.3}}
train:
  lora: {r: 4, alpha: 8}
  learning_rate: 1e-2
  batch_size: 1
  gradient_accumulation: 1
  steps: 100
artifacts: [adapter, merged]
smoke:
  - {prompt: "Describe the ship.", expect: {contains: what no stand-in says, min_tokens: 1}, max_new_tokens: 4}
evaluate: {rows: 2, answers: 0}
gates: {evaluate.merged.loss: {must_beat: base}}
card: {limitations: limitations.md}
"""


class Rehearsal(Room):
    """A project whose workspace is that of a rehearsal."""

    @property
    def workspace(self) -> Path:
        return self.root / ".hubpub" / f"{self.name}@stand-in"

    def rehearse(self, *arguments: str) -> Ran:
        return self.release("--stand-in", *arguments)

    def facts(self) -> dict[str, dict[str, object]]:
        """All facts by id."""
        told = json.loads((self.workspace / "facts.json").read_text())["facts"]
        return {fact["id"]: fact for fact in told}


@pytest.fixture(scope="module")
def rehearsed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Rehearsal, Ran]:
    """A gated base that nobody here has, rehearsed; and how that went."""
    room = Rehearsal(tmp_path_factory.mktemp("rehearsed"), "small")
    room.cards.mkdir(parents=True)
    room.manifest.write_text(SMALL)
    (room.cards / "limitations.md").write_text("It is a test.\n")
    ran = room.rehearse()
    assert 0 == ran.code, ran.err
    return room, ran


def test_a_gated_base_is_rehearsed_to_the_end_under_names_of_its_own(
    rehearsed: tuple[Rehearsal, Ran],
) -> None:
    """All stages work; what would judge the model is refused rather than passed or missed."""
    room, ran = rehearsed
    told = room.facts()

    assert {
        "resolve",
        "dataset",
        "train",
        "merge",
        "validate",
        "evaluate",
        "gates",
        "verify",
        "receipt",
    } <= set(ran.worked)
    assert "0 held, 1 refused: stand-in" in ran.err
    assert ["refused"] * 3 == [
        told[fact]["status"]
        for fact in ("evaluate.merged.loss", "validate.adapter.smoke_passed", "validate.merged.smoke_passed")
    ]
    assert (True, "known") == (
        told["validate.merged.finite"]["value"],
        told["validate.merged.finite"]["status"],
    )
    assert {True} == {fact["stand_in"] for fact in told.values()}
    assert "acme/small-stand-in" in ran.out
    assert "acme/small-lora-stand-in" in ran.out


def test_everything_that_was_published_says_what_it_is(rehearsed: tuple[Rehearsal, Ran]) -> None:
    """Configuration, weights of both kinds, and the top of each card."""
    room, _ = rehearsed
    merged, adapter = (room.workspace / "artifacts" / kind for kind in ("merged", "adapter"))

    assert json.loads((merged / "config.json").read_text())[MARK] is True
    assert is_marked(merged / "model.safetensors")
    assert is_marked(adapter / "adapter_model.safetensors")
    for folder in (merged, adapter):
        card = (folder / "README.md").read_text()
        assert TAG in parse(card).front_matter["tags"]
        assert "A rehearsal, not a model." in card


def test_the_real_releases_lock_and_cards_are_left_alone(rehearsed: tuple[Rehearsal, Ran]) -> None:
    """They are in git; the rehearsal's are in its workspace."""
    room, _ = rehearsed

    assert {"release.yaml", "limitations.md"} == {file.name for file in room.cards.iterdir()}
    assert (room.workspace / "release.lock.json").is_file()
    assert not (room.root / ".hubpub" / room.name).exists()


def test_a_second_rehearsal_finds_nothing_to_do(rehearsed: tuple[Rehearsal, Ran]) -> None:
    """The same bytes are made again, or not at all."""
    room, _ = rehearsed
    again = room.rehearse()

    assert (0, True) == (again.code, "nothing to do" in again.out + again.err)
    assert "train" not in again.worked


def test_neither_by_command_nor_by_hand_does_it_reach_a_hub_elsewhere(
    rehearsed: tuple[Rehearsal, Ran], tmp_path: Path
) -> None:
    """The flag is refused, and so is the file that was copied into a real release; `check` finds it too."""
    room, _ = rehearsed
    flagged = room.run("release", room.name, "--stand-in", "--hub", ELSEWHERE, "--yes")
    copied = Room(tmp_path, "real")
    copied.cards.mkdir(parents=True)
    shutil.copytree(room.workspace / "artifacts" / "adapter", copied.cards / "adapter")
    copied.manifest.write_text(
        "manifest: 1\nowner: acme\nlicence: gemma\nbase: google/gemma-3-4b-it\nadapter: adapter\nartifacts: [adapter]\n"
    )
    by_hand = copied.run("release", "real", "--hub", ELSEWHERE, "--yes")
    checked = room.run("check", str(room.workspace / "artifacts" / "merged"), "--select", "WGT051")

    assert (2, ["HP-M12"]) == (flagged.code, flagged.errors)
    assert (2, ["HP-M12"]) == (by_hand.code, by_hand.errors)
    assert "adapter_model.safetensors is a stand-in's" in by_hand.err
    assert (1, 3) == (checked.code, checked.out.count("WGT051"))


@pytest.mark.long
def test_the_reference_case_is_rehearsed_whole_with_pictures_and_gguf(tmp_path: Path) -> None:
    """`model_cards/gemma-aerial-12b` as it is: five repos, images in training and prompts, its cards' code run."""
    pytest.importorskip("xllamacpp")
    try:
        installed(tmp_path / "cache" / "hubpub" / "converters")
    except HubpubError as error:
        pytest.skip(error.what)
    room = Rehearsal(tmp_path, "gemma-aerial-12b")
    shutil.copytree(ROOT / "model_cards" / room.name, room.cards)
    ran = room.run(
        *("release", room.name, "--stand-in", "--hub", "local", "--yes"),
        XDG_CACHE_HOME=str(tmp_path / "cache"),
    )
    assert 0 == ran.code, ran.err
    told = room.facts()
    artifacts = room.workspace / "artifacts"

    assert 5 == len([line for line in ran.out.splitlines() if "-stand-in  v1.0.0" in line])
    assert told["train.images_seen"]["value"] == 2 * told["train.examples_seen"]["value"]  # type: ignore[operator]
    assert header_of(next((artifacts / "gguf").glob("*BF16.gguf"))).text("general.description") == TAG
    assert "Gemma is provided under and subject to" in (artifacts / "merged" / "NOTICE").read_text()
    card = (artifacts / "merged" / "README.md").read_text()
    assert "`LIC075` is taken on knowingly" in card
    assert "CLIPSegForImageSegmentation" in card
