"""How long a training lasts, and what a smoke prompt shows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from publisher.manifest.project import Project
from publisher.manifest.schema import Manifest
from publisher.manifest.training import STEPS, TrainSettings

Load = Callable[..., Manifest]
Faults = Callable[..., list[tuple[str, str]]]

TRAINS = """\
manifest: 1
owner: acme
base: google/gemma-3-12b-it@96b6f1e
dataset: {build: {from: scenes}}
artifacts: [adapter]
"""


@pytest.mark.parametrize(
    ("length", "rows", "steps"),
    [
        ({}, 500, STEPS),
        ({"steps": 10}, 500, 10),
        ({"epochs": 1.0}, 500, 32),  # 16 examples a step: the last one is filled up from the next epoch
        ({"epochs": 0.5}, 320, 10),
        ({"epochs": 1.0}, 3, 1),
    ],
)
def test_a_training_lasts_so_many_steps_or_sees_every_row_so_often(
    length: dict[str, float], rows: int, steps: int
) -> None:
    assert steps == TrainSettings(**length).steps_over(rows)


def test_steps_and_epochs_together_are_refused(faults: Faults) -> None:
    """One of them would be ignored, and nobody would know which."""
    found = faults(TRAINS + "train: {steps: 3, epochs: 1}\n")

    assert [("6:1", "train: give steps or epochs, not both")] == found


def test_who_looks_on_is_no_part_of_what_is_trained() -> None:
    """A training must not be made again because somebody opens TensorBoard."""
    plain, watched = TrainSettings(), TrainSettings(report_to=("tensorboard",))

    assert plain.model_dump(mode="json") == watched.model_dump(mode="json")


def test_a_smoke_prompt_s_picture_must_be_there(load: Load, faults: Faults, project: Project) -> None:
    """It is missed when the manifest is read, not after the training."""
    asks = TRAINS + "train: {}\nsmoke: [{prompt: 'What is it?', images: [smoke/a.png]}]\n"
    found = faults(asks, code="HP-M06")
    picture: Path = project.release("demo").folder / "smoke" / "a.png"
    picture.parent.mkdir()
    picture.write_bytes(b"any")

    assert ["smoke.0.images.0 names smoke/a.png, which does not exist"] == [what for _, what in found]
    assert ("smoke/a.png",) == load(asks).smoke[0].images
