"""AerialD as it lies on disk: what is read of it, and every way in which it can be wrong."""

import json
import shutil

import pytest
from aeriald_files import drawn, write_item, write_xml
from dataset_recipes import build_in, recipe

from publisher.data.aerial.rle import mask_of
from publisher.errors import HubpubError

pq = pytest.importorskip("pyarrow.parquet")
pytestmark = pytest.mark.models

NAMES = ("P0001_patch_000001", "P0001_patch_000002", "P0002_patch_000001", "P0003_patch_000004")


@pytest.fixture(scope="module")
def scenes():
    return {name: drawn(index) for index, name in enumerate(NAMES)}


@pytest.fixture(scope="module")
def annotated(tmp_path_factory, scenes):
    """Four patches of three photos; of every object an original, an enhanced and a unique expression."""
    folder = tmp_path_factory.mktemp("aeriald")
    for name, one in scenes.items():
        said = {
            thing.id: [
                ("original", f"the {thing.name} at {thing.id}"),
                ("enhanced", f"{thing.name} {thing.id} near the road"),
                ("unique", f"the only {thing.name} {thing.id} in the shade"),
            ]
            for thing in one.scene.objects
        }
        said |= {
            group.id: [("original", f"all {group.size} of group {group.id}")] for group in one.scene.groups
        }
        write_xml(folder, name, one, said)
    return folder


@pytest.fixture(scope="module")
def built(annotated, tmp_path_factory):
    out = tmp_path_factory.mktemp("built")
    measured = build_in(out, recipe("aeriald", folder=".", enhanced_by="o3"), root=annotated)
    return measured, rows_of(out)


def rows_of(out):
    return [row for path in sorted(out.glob("data/*.parquet")) for row in pq.read_table(path).to_pylist()]


def refusal(call, *arguments, **named):
    with pytest.raises(HubpubError) as caught:
        call(*arguments, **named)
    return caught.value


def test_every_expression_of_the_file_is_a_row_with_who_said_it(built, scenes):
    """Provenance: an expression of a model must be told from one of a rule."""
    measured, rows = built

    objects = sum(len(one.scene.objects) for one in scenes.values())
    groups = sum(len(one.scene.groups) for one in scenes.values())
    assert {"original": objects + groups, "enhanced": objects, "unique": objects} == measured[
        "dataset.rows_by.type"
    ].value
    assert {
        ("original", "of the source", None),
        ("enhanced", None, "o3"),
        ("unique", None, "o3"),
    } == {(row["expression_type"], row["provenance"]["rule"], row["provenance"]["model"]) for row in rows}


def test_boxes_masks_and_colours_are_those_of_the_file(built, scenes):
    """What a segmentation is trained on."""
    _, rows = built
    row = next(row for row in rows if row["item_type"] == "object")
    thing = scenes[row["scene_id"]].scene.item(row["object_id"])

    assert {"size": [480, 480], "counts": thing.segmentation} == row["mask"]
    assert thing.area == mask_of(row["mask"]["counts"], 480, 480).histogram()[255]
    told = {one["id"]: one for one in row["objects"]}[thing.id]
    assert (list(thing.possible_colors), thing.is_cutoff, thing.name) == (
        told["possible_colors"],
        told["is_cutoff"],
        told["category"],
    )
    assert all(two["bytes"].startswith(b"\x89PNG") for two in row["images"])
    assert [f"{row['scene_id']}_{thing.id}_bbox.png", f"{row['scene_id']}_{thing.id}_focused.png"] == [
        two["path"] for two in row["images"]
    ]


def test_patches_of_one_photo_stay_on_one_side(annotated, tmp_path):
    """They overlap: a patch that is held out would be trained on in part."""
    for seed in range(4):
        out = tmp_path / str(seed)
        build_in(
            out, recipe("aeriald", folder=".", split={"seed": seed, "validation_share": 0.4}), root=annotated
        )
        sides = {
            split: {
                row["scene_id"][:5]
                for row in pq.read_table(out / f"data/{split}-00000-of-00001.parquet").to_pylist()
            }
            for split in ("train", "validation")
        }

        assert not sides["train"] & sides["validation"]


def test_folders_called_after_splits_are_splits(annotated, scenes, tmp_path):
    """AerialD's own validation photos are not to be trained on."""
    for side, name in (("train", NAMES[0]), ("val", NAMES[1])):
        write_xml(tmp_path / "in" / side, name, scenes[name], {1: [("original", f"the one at {side} 1")]})

    build_in(tmp_path / "out", recipe("aeriald", folder="."), root=tmp_path / "in")

    held_out = pq.read_table(tmp_path / "out/data/validation-00000-of-00001.parquet").to_pylist()
    assert {NAMES[1]} == {row["scene_id"] for row in held_out}


def test_objects_are_described_anew_where_rules_are_asked_for(annotated, tmp_path):
    """As the synthetic scenes are, in words or pictures."""
    measured = build_in(tmp_path, recipe("aeriald", folder=".", rules=True, format="text"), root=annotated)

    rows = rows_of(tmp_path)
    assert measured["dataset.dropped.ambiguous"].value > 0
    assert all(row["prompt"].startswith("Target: ") for row in rows)
    assert {"original"} == {row["expression_type"] for row in rows}
    assert "images" not in rows[0]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"bndbox__xmax": "481"}, "reaches outside the image of 480x480"),
        ({"bndbox__xmax": "abc"}, "bndbox/xmax of"),
        ({"bndbox__xmin": "479", "bndbox__xmax": "479"}, "is empty"),
        ({"id": "2"}, "id 2 is used 2 times"),
        ({"name": " "}, "has no category"),
        ({"segmentation": "{'size': [480, 480], 'counts': 'abc'}"}, "the mask of"),
        ({"segmentation": "{'size': [10, 10], 'counts': 'abc'}"}, "not [480, 480]"),
        ({"segmentation": "__import__('os').getcwd()"}, "the mask of"),
        ({"segmentation": "[" * 5000}, "the mask of"),
        ({"area": "1e30"}, "area of"),
        ({"id": "inf"}, "id is 'inf', not a number"),
    ],
)
def test_an_object_that_cannot_be_true_is_refused_with_the_file(scenes, tmp_path, changes, says):
    """Named so that it can be mended; nothing in it is run."""
    write_xml(tmp_path, NAMES[0], scenes[NAMES[0]], **changes)

    error = refusal(build_in, tmp_path / "out", recipe("aeriald", folder="."), root=tmp_path)

    assert ("HP-D03", f"annotations/{NAMES[0]}.xml") == (error.code, error.where)
    assert says in error.what


def test_an_image_that_is_missing_or_of_another_size_is_refused(scenes, tmp_path):
    """Every box would point at something else."""
    path = write_xml(tmp_path, NAMES[0], scenes[NAMES[0]])
    path.write_text(path.read_text().replace("<width>480", "<width>640"))

    error = refusal(build_in, tmp_path / "out", recipe("aeriald", folder="."), root=tmp_path)
    assert "its size is 640x480, that of the image 480x480" in error.what

    (tmp_path / "images" / f"{NAMES[0]}.png").unlink()
    error = refusal(build_in, tmp_path / "out", recipe("aeriald", folder="."), root=tmp_path)
    assert f"the image {NAMES[0]}.png does not exist" in error.what


@pytest.mark.parametrize(
    "text",
    [
        "<annotation>",
        '<!DOCTYPE a [<!ENTITY b "c">]><annotation><filename>&b;</filename></annotation>',
        "<annotation><filename>P0001_patch_000001.png</filename></annotation>",
        '<?xml version="1.0" encoding="klingon"?><annotation/>',
        '<?xml version="1.0" encoding="big5"?><annotation/>',
    ],
)
def test_what_is_no_annotation_is_refused(scenes, tmp_path, text):
    """Broken, with entities that could unfold to anything, without any object, or in letters that nobody knows."""
    write_xml(tmp_path, NAMES[0], scenes[NAMES[0]]).write_text(text)

    error = refusal(build_in, tmp_path / "out", recipe("aeriald", folder="."), root=tmp_path)

    assert "HP-D03" == error.code


def test_words_that_fit_two_items_are_dropped_however_they_are_written(scenes, tmp_path):
    """A capital letter and a full stop do not make them clear."""
    name, one = next(
        (name, one)
        for name, one in scenes.items()
        if any(len(one.scene.of_category(thing.name)) > 1 for thing in one.scene.objects)
    )
    thing = next(thing for thing in one.scene.objects if len(one.scene.of_category(thing.name)) > 1)
    said = {thing.id: [("original", f"The {thing.name}."), ("original", "the one by the road")]}
    write_xml(tmp_path, name, one, said)
    other = next(other for other in NAMES if other.partition("_")[0] != name.partition("_")[0])
    write_xml(tmp_path, other, scenes[other], {1: [("original", "the one by the road")]})

    measured = build_in(tmp_path / "out", recipe("aeriald", folder="."), root=tmp_path)

    assert 1 == measured["dataset.dropped.ambiguous"].value


def test_entities_are_refused_in_every_encoding(scenes, tmp_path):
    """In UTF-16 no search for the letters of DOCTYPE finds it."""
    text = '<?xml version="1.0" encoding="utf-16"?><!DOCTYPE a [<!ENTITY b "c">]><annotation>&b;</annotation>'
    write_xml(tmp_path, NAMES[0], scenes[NAMES[0]]).write_bytes(text.encode("utf-16"))

    error = refusal(build_in, tmp_path / "out", recipe("aeriald", folder="."), root=tmp_path)

    assert "it declares a document type" in error.what


def test_an_id_with_a_decimal_point_is_the_same_id(scenes, tmp_path):
    """So do tables write whole numbers that went through them."""
    write_xml(tmp_path, NAMES[0], scenes[NAMES[0]], {1: [("original", "the one by the road")]}, id="1.0")
    write_xml(tmp_path, NAMES[2], scenes[NAMES[2]], {1: [("original", "the one by the road")]})

    build_in(tmp_path / "out", recipe("aeriald", folder="."), root=tmp_path)

    assert {1} == {row["object_id"] for row in rows_of(tmp_path / "out")}


def test_a_picture_that_is_cut_off_is_refused_though_its_beginning_is_sound(scenes, tmp_path):
    """Half a download: a model would be trained on grey."""
    one = scenes[NAMES[0]]
    write_xml(tmp_path / "xml", NAMES[0], one)
    (tmp_path / f"xml/images/{NAMES[0]}.png").write_bytes(one.png[: len(one.png) // 2])
    place = write_item(tmp_path / "items", NAMES[0], one, 1)
    view = place / f"{place.name}_focused.png"
    view.write_bytes(view.read_bytes()[:3000])

    for folder, name in (("xml", f"{NAMES[0]}.png"), ("items", view.name)):
        error = refusal(build_in, tmp_path / "out", recipe("aeriald", folder=folder), root=tmp_path)
        assert ("HP-D03", True) == (error.code, f"the image {name} is damaged" in error.what)


def test_items_in_folders_are_read_with_their_pictures(scenes, tmp_path):
    """The layout of the enhanced set: one folder an item, no word of the rest of the scene."""
    for name, one in scenes.items():
        for thing in one.scene.objects[:2]:
            write_item(tmp_path / "in", name, one, thing.id)

    measured = build_in(
        tmp_path / "out", recipe("aeriald", folder=".", enhanced_by="o3"), root=tmp_path / "in"
    )

    rows = rows_of(tmp_path / "out")
    assert {"original": 8, "enhanced": 8, "unique": 16} == measured["dataset.rows_by.type"].value
    assert not {"image", "objects"} & set(rows[0])
    place = tmp_path / "in" / f"{rows[0]['scene_id']}_obj_{rows[0]['object_id']}"
    assert [(place / f"{place.name}_{part}.png").read_bytes() for part in ("bbox", "focused")] == [
        view["bytes"] for view in rows[0]["images"]
    ]


def test_an_error_in_place_of_expressions_is_dropped_and_counted(scenes, tmp_path):
    """The published set ships such items; a model trained on them learns to say "Processing error"."""
    failed = {
        "enhanced_expressions": [],
        "unique_description": "Processing error: rate limit",
        "unique_expressions": [],
    }
    for name, one in scenes.items():
        write_item(tmp_path / "in", name, one, 1)
    write_item(tmp_path / "in", NAMES[0], scenes[NAMES[0]], 2, enhanced_data=failed)
    shutil.rmtree(tmp_path / "in" / f"{NAMES[0]}_obj_1")

    measured = build_in(tmp_path / "out", recipe("aeriald", folder="."), root=tmp_path / "in")

    value = {name: one.value for name, one in measured.items()}
    assert 1 == value["dataset.dropped.error_in_band"]
    assert value["dataset.expressions_generated"] == value["dataset.rows"] + sum(
        count for name, count in value.items() if name.startswith("dataset.dropped.")
    )
    assert {"original": 4, "enhanced": 3, "unique": 6} == value["dataset.rows_by.type"]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"bbox": {"xmin": 0, "ymin": 0, "xmax": 900, "ymax": 5}}, "reaches outside the image of 480x480"),
        ({"bbox": {"xmin": 0}}, "no mapping of xmin"),
        ({"bbox": {"xmin": 0, "ymin": 0, "xmax": float("nan"), "ymax": 5}}, "no mapping of xmin"),
        ({"category": None}, "it has no category"),
        ({"original_expressions": "the ship"}, "is no list of texts"),
        ({"enhanced_data": {"enhanced_expressions": ["x"], "unique_description": ""}}, "no list of mappings"),
    ],
)
def test_an_item_that_cannot_be_true_is_refused_with_its_file(scenes, tmp_path, changes, says):
    """One clear error, and where."""
    place = write_item(tmp_path / "in", NAMES[0], scenes[NAMES[0]], 1, **changes)

    error = refusal(build_in, tmp_path / "out", recipe("aeriald", folder="."), root=tmp_path / "in")

    assert ("HP-D03", f"{place.name}/enhanced_expressions.json") == (error.code, error.where)
    assert says in error.what


def test_an_item_without_its_picture_or_json_is_refused(scenes, tmp_path):
    """A row without its image would be trained on as if it had one."""
    place = write_item(tmp_path / "in", NAMES[0], scenes[NAMES[0]], 1)
    (place / f"{place.name}_focused.png").unlink()
    error = refusal(build_in, tmp_path / "out", recipe("aeriald", folder="."), root=tmp_path / "in")
    assert "its picture *_focused.png is missing" in error.what

    (place / "enhanced_expressions.json").write_text(json.dumps([1]))
    error = refusal(build_in, tmp_path / "out", recipe("aeriald", folder="."), root=tmp_path / "in")
    assert "it is no JSON object" in error.what


@pytest.mark.parametrize("settings", [{"format": "text"}, {"rules": True}])
def test_single_items_are_not_told_in_words_that_need_the_whole_scene(scenes, tmp_path, settings):
    """ "The only ship" cannot be known of a scene of which one ship is known."""
    write_item(tmp_path / "in", NAMES[0], scenes[NAMES[0]], 1)

    error = refusal(
        build_in, tmp_path / "out", recipe("aeriald", folder=".", **settings), root=tmp_path / "in"
    )

    assert "HP-D02" == error.code


def test_a_folder_without_any_of_it_and_two_scenes_of_one_name_are_refused(scenes, tmp_path):
    """Nothing would be built, or one scene in two meanings."""
    (tmp_path / "empty").mkdir()
    assert (
        "HP-D01" == refusal(build_in, tmp_path / "o", recipe("aeriald", folder="empty"), root=tmp_path).code
    )
    assert "HP-D01" == refusal(build_in, tmp_path / "o", recipe("aeriald", folder="none"), root=tmp_path).code

    for side in ("a", "b"):
        write_xml(tmp_path / "in" / side, NAMES[0], scenes[NAMES[0]])
    error = refusal(build_in, tmp_path / "o", recipe("aeriald", folder="in"), root=tmp_path)
    assert ("HP-D03", True) == (error.code, "two scenes are called" in error.what)
