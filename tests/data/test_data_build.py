"""The dataset as a whole: same bytes, no leak, nothing ambiguous, and numbers that add up."""

import hashlib
import math
import re
from collections import Counter

import pytest
from dataset_recipes import build_in, recipe

from publisher.data.aerial.relations import describe
from publisher.data.aerial.resolver import resolve
from publisher.data.aerial.scenes import draw_scene
from publisher.errors import HubpubError

pytestmark = pytest.mark.models

SETTINGS = recipe("scenes", scenes=16)
FILES = ("train-00000-of-00001.parquet", "validation-00000-of-00001.parquet")


def digests(folder):
    return [hashlib.sha256((folder / "data" / name).read_bytes()).hexdigest() for name in FILES]


@pytest.fixture(scope="module")
def rows(built):
    import pyarrow.parquet as pq

    return [pq.read_table(built.folder / "data" / name).to_pylist() for name in FILES]


def test_the_same_settings_give_the_same_bytes(built, tmp_path):
    """A dataset that cannot be made again proves nothing about the model trained on it."""
    build_in(tmp_path, SETTINGS)

    assert digests(built.folder) == digests(tmp_path)


def test_another_seed_gives_another_dataset(built, tmp_path):
    """Else the seed would do nothing."""
    build_in(tmp_path, recipe("scenes", scenes=16, seed=8))

    assert not set(digests(built.folder)) & set(digests(tmp_path))


def test_only_the_two_files_are_written(built):
    """What lies in the folder is what will be released."""
    assert sorted(FILES) == sorted(path.name for path in built.folder.rglob("*") if path.is_file())


def test_no_image_no_scene_and_no_text_is_on_both_sides(rows):
    """A leak makes the held-out loss look better than the model is."""
    train, validation = rows
    for trait in (
        lambda row: row["scene_id"],
        lambda row: row["image"]["bytes"],
        lambda row: (row["prompt"], row["completion"]),
    ):
        assert not {trait(row) for row in train} & {trait(row) for row in validation}


def test_every_expression_resolves_to_its_item_and_no_other(rows):
    """The promise, proven by reading each text back and looking for everything it may mean."""
    scenes = {}
    for row in (*rows[0], *rows[1]):
        index = int(row["scene_id"].removeprefix("scene_"))
        if index not in scenes:
            drawn = draw_scene(SETTINGS.seed, index, min_objects=4, max_objects=9)
            assert row["image"]["bytes"] == drawn.png
            scenes[index] = describe(drawn.scene)

        assert frozenset({row["object_id"]}) == resolve(scenes[index], row["expression"]), row["expression"]


def test_every_object_expression_fits_its_box_alone_by_plain_geometry(rows):
    """The same again without any code of the filter: boxes, a ruler and a protractor."""
    for row in (*rows[0], *rows[1]):
        if row["item_type"] == "object":
            index = int(row["scene_id"].removeprefix("scene_"))
            objects = draw_cached(index)
            assert [row["object_id"]] == [
                one.id for one in objects if true_of(one, row["expression"], objects)
            ]


_DRAWN = {}


def draw_cached(index):
    if index not in _DRAWN:
        _DRAWN[index] = draw_scene(SETTINGS.seed, index, min_objects=4, max_objects=9).scene.objects
    return _DRAWN[index]


def middle(thing):
    box = thing.bndbox
    return (box.xmin + box.xmax) / 2, (box.ymin + box.ymax) / 2


def true_of(thing, text, objects):
    """Whether a text is true of an object, each of its parts taken literally."""
    text, _, relation = text.partition(" that is ")
    text, _, cell = text.partition(" in the ")
    words = text.removeprefix("the ")
    if not words.endswith(thing.name):
        return False
    adjectives = words.removesuffix(thing.name).split()
    kin = [one for one in objects if one.name == thing.name]
    x, y = middle(thing)
    rank = {
        "topmost": lambda one: middle(one)[1],
        "bottommost": lambda one: -middle(one)[1],
        "leftmost": lambda one: middle(one)[0],
        "rightmost": lambda one: -middle(one)[0],
        "larger": lambda one: -one.area,
        "largest": lambda one: -one.area,
        "smaller": lambda one: one.area,
        "smallest": lambda one: one.area,
    }
    for word in adjectives:
        if word in rank and min(kin, key=rank[word]).id != thing.id:
            return False
        if word not in rank and word != thing.color:
            return False
    row, column = ("top", "center", "bottom")[int(y // 160)], ("left", "center", "right")[int(x // 160)]
    if cell and cell not in ("center" if row == column == "center" else "", f"{row} {column}"):
        return False
    return not relation or any(
        relation
        in (f"{direction_of(thing, other)} {article} {other.name}" for article in ("a", "an", "another"))
        for other in objects
        if other.id != thing.id
    )


def direction_of(thing, other):
    (x, y), (from_x, from_y) = middle(thing), middle(other)
    degrees = (
        math.degrees(math.atan2(from_y - y, x - from_x)) % 360
    )  # counter-clockwise from the right, y upwards
    names = ("right", "top right", "above", "top left", "left", "bottom left", "below", "bottom right")
    name = names[int((degrees + 22.5) // 45) % 8]
    return name if name in ("above", "below") else f"to the {name} of"


def test_the_default_settings_keep_500_expressions_and_more_of_every_kind(tmp_path):
    """What the demo trains on."""
    measured = {name: one.value for name, one in build_in(tmp_path, recipe("scenes")).items()}

    assert measured["dataset.rows"] >= 500
    assert 60 == measured["dataset.scenes"]
    assert len(measured["dataset.categories"]) >= 8
    assert sum(path.stat().st_size for path in tmp_path.rglob("*.parquet")) < 25_000_000


def test_the_measured_numbers_are_those_of_the_files_and_add_up(built, rows):
    """Every one of them may stand in a card."""
    train, validation = rows
    value = {name: one.value for name, one in built.measured.items()}

    assert len(train) == value["dataset.train.rows"]
    assert len(validation) == value["dataset.validation.rows"]
    assert len(train) + len(validation) == value["dataset.rows"]
    assert len({row["scene_id"] for row in (*train, *validation)}) == value["dataset.scenes"]
    assert value["dataset.train.scenes"] + value["dataset.validation.scenes"] == value["dataset.scenes"]
    dropped = sum(count for name, count in value.items() if name.startswith("dataset.dropped."))
    assert value["dataset.expressions_generated"] == value["dataset.rows"] + dropped
    assert list(train[0]) == value["dataset.columns"]
    for kind, column in (("category", "category"), ("type", "expression_type")):
        assert Counter(row[column] for row in (*train, *validation)) == value[f"dataset.rows_by.{kind}"]
    words = Counter(str(len(row["completion"].split())) for row in (*train, *validation))
    assert words == value["dataset.answer_words"]
    assert (
        len({(row["scene_id"], row["object_id"]) for row in (*train, *validation)}) == value["dataset.items"]
    )
    assert (480, 480, 7) == tuple(
        value[f"dataset.{name}"] for name in ("image_width", "image_height", "seed")
    )


def test_progress_is_told_scene_by_scene(built):
    """Nobody should have to wonder whether it still runs."""
    assert [(done, 16) for done in range(1, 17)] == built.progress


def test_the_completion_is_the_expression_and_prompts_stay_short(rows):
    """Training on two cores costs by the token."""
    for row in (*rows[0], *rows[1]):
        assert row["expression"] == row["completion"]
        assert "original" == row["expression_type"]
        assert len(re.findall(r"\w+|[^\w\s]|\n", row["prompt"] + row["completion"])) <= 85


def test_groups_and_objects_are_told_apart_by_id_and_type(rows):
    """AerialD's convention: groups count from a million."""
    kinds = {(row["item_type"], row["object_id"] >= 1_000_000) for row in (*rows[0], *rows[1])}

    assert {("object", False), ("group", True)} == kinds


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"scenes": 0}, "HP-D01"),
        ({"scenes": 1}, "HP-D01"),
        ({"scenes": 2, "min_objects": 0}, "HP-D03"),
        ({"scenes": 2, "min_objects": 5, "max_objects": 4}, "HP-D03"),
        ({"scenes": 1, "min_objects": 500, "max_objects": 500}, "HP-D03"),
    ],
)
def test_settings_that_give_no_dataset_are_refused_with_a_hint(tmp_path, settings, code):
    """An empty split found after an hour of training would be too late."""
    with pytest.raises(HubpubError) as caught:
        build_in(tmp_path, recipe("scenes", **settings))

    assert (code, True) == (caught.value.code, bool(caught.value.hint))


@pytest.mark.parametrize("package", ["PIL.Image", "pyarrow"])
def test_a_missing_package_is_named_with_the_command_that_installs_it(tmp_path, monkeypatch, package):
    """The light install has no Pillow and no pyarrow."""
    import sys

    monkeypatch.setitem(sys.modules, package, None)

    with pytest.raises(HubpubError) as caught:
        build_in(tmp_path, recipe("scenes", scenes=2))

    assert ("HP-E01", package.partition(".")[0]) == (caught.value.code, caught.value.data["package"])
    assert 'pip install "hubpub[models]"' in caught.value.hint
