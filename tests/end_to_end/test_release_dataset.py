"""A dataset that is built on the way: its card with pictures, its facts, and a fresh clone's `card --check`."""

from __future__ import annotations

import io
import shutil

import pytest
from aeriald_files import drawn, write_xml
from release_room import Room

pq = pytest.importorskip("pyarrow.parquet")
Image = pytest.importorskip("PIL.Image")
pytestmark = pytest.mark.models


@pytest.fixture
def room(fresh_adopted: Room) -> Room:
    """A release of a base and of a dataset with pictures, made of annotated scenes."""
    for index in range(3):
        one = drawn(index)
        said = {thing.id: [("original", f"the {thing.name} at {thing.id}")] for thing in one.scene.objects}
        said[one.scene.objects[0].id].append(("enhanced", "the one that stands apart"))
        write_xml(fresh_adopted.cards / "aerial", f"P000{index}_patch_000001", one, said)
    fresh_adopted.edit(
        "dataset: {folder: inputs/data}",
        "dataset: {build: {from: aeriald, folder: aerial, enhanced_by: gpt-4o}}",
    )
    fresh_adopted.edit("artifacts: [base, dataset, adapter]", "artifacts: [base, dataset]")
    fresh_adopted.edit("adapter: inputs/adapter\n", "")
    return fresh_adopted


def test_a_built_dataset_is_released_with_pictures_sources_and_whose_words_it_is(room: Room) -> None:
    """And what is released under a free licence of data that is not free is found."""
    ran = room.release()

    assert 0 == ran.code, ran.err
    assert "LIC075" in room.run("check", room.name).out
    card = (room.cards / "cards" / "dataset.md").read_text()
    assert "task_categories:\n- image-text-to-text\n" in card
    assert "source_datasets:\n- extended|other-isaid\n- extended|loveda\n" in card
    assert "Their terms: for academic purposes only, any commercial use is prohibited." in card
    assert "gpt-4o" in card
    files = room.published()["acme/adopted-data"].files
    assert {"assets/statistics.png", "assets/examples.png"} <= set(files)
    assert "PNG" == Image.open(io.BytesIO(files["assets/examples.png"])).format

    shutil.rmtree(room.workspace)
    checked = room.run("card", room.name, "--check")
    assert 0 == checked.code, checked.out + checked.err


def test_a_scene_that_is_mended_is_built_and_released_anew(room: Room) -> None:
    """The annotation is part of the stage's key; the error says which file it is."""
    (annotation, *_) = sorted((room.cards / "aerial" / "annotations").glob("*.xml"))
    sound = annotation.read_text()
    annotation.write_text(sound.replace("<xmin>", "<xmin>9", 1))

    refused = room.release("--until", "dataset")

    assert (1, ["HP-D03"]) == (refused.code, refused.errors)
    assert annotation.name in refused.err
    annotation.write_text(sound)
    assert "dataset" in room.release("--until", "dataset").worked
    assert "unchanged" == room.release("--until", "dataset").skipped["dataset"]
