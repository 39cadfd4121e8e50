"""A small dataset, built once, and scenes made by hand."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from dataset_recipes import build_in, recipe

from publisher.data.aerial.relations import describe
from publisher.data.aerial.scene import Box, Scene, SceneObject
from publisher.records.facts import Measurement

SETTINGS = recipe("scenes", scenes=16)


@dataclass(frozen=True)
class Built:
    """A dataset's folder, what was measured of it, and what progress was told."""

    folder: Path
    measured: dict[str, Measurement]
    progress: list[tuple[int, int]]


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dataset")
    progress = []
    measured = build_in(folder, SETTINGS, on_progress=lambda done, total: progress.append((done, total)))
    return Built(folder, measured, progress)


@pytest.fixture
def thing():
    """Makes an object of 20x20 pixels with its middle at (x, y)."""

    def make(number, name, x, y, color="red", side=20, **fields):
        half = side // 2
        fields.setdefault("possible_colors", (color,) if color else ("dark", "light"))
        return SceneObject(
            number, name, Box(x - half, y - half, x + half, y + half), side * side, color=color, **fields
        )

    return make


@pytest.fixture
def scene():
    """Makes a described scene of 480x480 pixels from objects."""

    def make(*things):
        return describe(Scene("made.png", 480, 480, things))

    return make
