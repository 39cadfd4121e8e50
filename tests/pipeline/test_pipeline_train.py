"""The train stage: what it asks the engine for, and what it says where memory does not do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from publisher.engine.jobs import Probe, ProbeGguf
from publisher.engine.worker import Limits
from publisher.errors import HubpubError
from publisher.evidence.files import inventory, sha256_of
from publisher.manifest.evaluation import SmokeSettings
from publisher.manifest.project import Project
from publisher.manifest.training import TrainSettings
from publisher.pipeline.inputs import AskedPrompt
from publisher.pipeline.services import Engine, Wishes
from publisher.pipeline.steps.train import train
from publisher.pipeline.steps.validate import proof_job
from publisher.records.artifacts import Artifact
from publisher.records.facts import Fact, StatedSource
from publisher.records.runs import Base, Dataset, Made, Pins

pytestmark = pytest.mark.models


@pytest.fixture
def training(tmp_path: Path, notes: Any, tiny_base: Path, tiny_data: Path) -> Callable[..., Any]:
    """Runs the stage as a release does, under the limits of a machine."""
    (tmp_path / "model_cards" / "demo").mkdir(parents=True)
    paths = Project(tmp_path).release("demo")
    folder = tmp_path / "dataset"
    folder.mkdir()
    (folder / "data").symlink_to(tiny_data)
    rows = Fact("dataset.train.rows", 12, "rows", "known", "dataset", StatedSource("counted"))
    base = Base(Artifact("base", str(tiny_base), inventory(tiny_base)), ())
    dataset = Dataset(Artifact("dataset", str(folder), ()), (rows,))

    def run(settings: TrainSettings, limits: Limits) -> Any:
        engine = Engine(tmp_path / "scratch", notes, limits)
        pins = Pins("acme/tiny", None)
        return train(paths, engine, None, settings, None, base, dataset, pins, Wishes())  # type: ignore[arg-type]

    return run


def test_epochs_become_steps_and_the_adapter_says_how_often_it_saw_every_row(training: Any) -> None:
    """Twelve rows, four a step, half an epoch."""
    settings = TrainSettings(method="lora", batch_size=2, gradient_accumulation=2, epochs=0.5)
    facts = {fact.id: fact.value for fact in training(settings, Limits()).facts}

    assert (2, 8 / 12) == (facts["train.steps"], facts["train.epochs"])


def test_a_training_that_runs_out_of_memory_ends_in_advice_with_numbers(training: Any) -> None:
    """`make the batches smaller` helps nobody: by how much, and what else would?"""
    with pytest.raises(HubpubError) as caught:
        training(TrainSettings(method="lora", batch_size=4), Limits(memory_bytes=50_000_000))

    assert "HP-X02" == caught.value.code
    assert caught.value.hint is not None
    assert caught.value.hint.startswith("about ")
    assert "`batch_size: 1` with `gradient_accumulation: 16` (the same steps) takes " in caught.value.hint
    assert caught.value.data["bytes_needed"] > 0


def test_smoke_prompts_show_their_pictures_to_every_model_but_a_gguf(tmp_path: Path) -> None:
    """llama.cpp's file has the text part only; what it was not shown must not count as asked."""
    picture = tmp_path / "a.png"
    picture.write_bytes(b"picture")
    seeing = AskedPrompt(SmokeSettings(prompt="What is it?"), ((picture, sha256_of(picture)),))
    smoke = (seeing, AskedPrompt(SmokeSettings(prompt="Hello.")))
    base = Base(Artifact("base", str(tmp_path), ()), ())
    merged, gguf = (
        proof_job(Made(Artifact(kind, "", ()), ()), base, smoke, full=base) for kind in ("merged", "gguf")
    )
    assert isinstance(merged, Probe)
    assert isinstance(gguf, ProbeGguf)

    assert [(str(picture),), ()] == [prompt.images for prompt in merged.smoke]
    assert ["Hello."] == [prompt.prompt for prompt in gguf.smoke]


def test_a_picture_that_changes_is_another_question(tmp_path: Path) -> None:
    """Its name is the same; the proof of the old one says nothing of the new one."""
    asked = SmokeSettings(prompt="What is it?", images=("a.png",))
    here, elsewhere = (AskedPrompt(asked, ((Path(place), "00"),)) for place in ("/one/a.png", "/two/a.png"))
    other = AskedPrompt(asked, ((Path("/one/a.png"), "11"),))

    assert here.digest == elsewhere.digest != other.digest
