"""COCO's annotations: every form that a mask has, and every way in which they can be wrong."""

import json

import pytest
from aeriald_files import coco_of, drawn, write_coco
from dataset_recipes import build_in, recipe

from publisher.data.aerial.rle import counts_of, mask_of
from publisher.errors import HubpubError

pq = pytest.importorskip("pyarrow.parquet")
Image = pytest.importorskip("PIL.Image")
ImageDraw = pytest.importorskip("PIL.ImageDraw")
pytestmark = pytest.mark.models

NAMES = ("one.png", "two.png", "more/two.png")


@pytest.fixture(scope="module")
def scenes():
    return [(name, drawn(index)) for index, name in enumerate(NAMES)]


def refused(told, tmp_path, scenes):
    write_coco(tmp_path / "in", scenes, told)
    with pytest.raises(HubpubError) as caught:
        build_in(tmp_path / "out", recipe("coco", folder="in"), root=tmp_path)
    return caught.value


def rows_of(out):
    return [row for path in sorted(out.glob("data/*.parquet")) for row in pq.read_table(path).to_pylist()]


def test_objects_are_described_by_rules_their_colours_read_from_the_pixels(scenes, tmp_path):
    """COCO knows no colours and no expressions: boxes, masks and names are enough for all of it."""
    write_coco(tmp_path / "in", scenes)

    build_in(tmp_path / "out", recipe("coco", folder="in"), root=tmp_path)

    rows = rows_of(tmp_path / "out")
    assert {"one", "two", "more_two"} == {row["scene_id"] for row in rows}
    row = next(row for row in rows if row["scene_id"] == "one" and row["item_type"] == "object")
    known = {thing.id: thing for thing in scenes[0][1].scene.objects}
    assert known[row["object_id"]].segmentation == row["mask"]["counts"]
    assert {number: one.color for number, one in known.items()} == {
        one["id"]: one["color"] for one in row["objects"]
    }
    assert all(row["completion"].startswith(("the ", "all ")) for row in rows)
    assert all(2 == len(row["images"]) for row in rows)


def test_polygons_and_plain_runs_are_masks_too(scenes, tmp_path):
    """Hand-drawn annotations are polygons, crowds are plain runs."""
    told = coco_of(scenes)
    first, second = told["annotations"][:2]
    x, y, wide, high = first["bbox"]
    first["segmentation"] = [[x, y, x + wide - 1, y, x + wide - 1, y + high - 1, x, y + high - 1]]
    everything = Image.new("L", (480, 480), 255)
    second["segmentation"] = {"size": [480, 480], "counts": [0, 480 * 480]}
    second["bbox"], second["iscrowd"] = [0, 0, 480, 480], 1
    write_coco(tmp_path / "in", scenes, told)

    build_in(tmp_path / "out", recipe("coco", folder="in", expressions_per_item=None), root=tmp_path)

    masks = {
        row["object_id"]: row["mask"]["counts"]
        for row in rows_of(tmp_path / "out")
        if row["scene_id"] == "one"
    }
    if 1 in masks:
        assert wide * high == mask_of(masks[1], 480, 480).histogram()[255]
    assert 2 not in masks, "nothing is said of a crowd"
    assert counts_of(everything) == counts_of(mask_of([0, 480 * 480], 480, 480))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"bbox": [470, 470, 20, 20]}, "inside the image of 480x480"),
        ({"bbox": [1, 2, 3]}, "is no [x, y, width, height]"),
        ({"bbox": [1, 2, -3, 4]}, "is no [x, y, width, height]"),
        ({"bbox": ["1", 2, 3, 4]}, "is no [x, y, width, height]"),
        ({"bbox": [1e308, 2, 1e308, 4]}, "is no [x, y, width, height]"),
        ({"category_id": [1]}, "a category that is not listed: [1]"),
        ({"image_id": None}, "annotations[0] is no mapping with a number or text under image_id"),
        ({"category_id": 99}, "a category that is not listed: 99"),
        ({"id": 2_000_002}, "more than one annotation has the id 2000002"),
        ({"segmentation": {"size": [480, 480], "counts": "abc"}}, "the mask of annotation"),
        ({"segmentation": {"size": [1, 1], "counts": "abc"}}, "not [480, 480]"),
        ({"segmentation": [[1, 2, 3]]}, "polygons of three points"),
        ({"segmentation": "abc"}, "polygons of three points"),
        ({"image_id": 77}, "images that it does not list: 77"),
    ],
)
def test_an_annotation_that_cannot_be_true_is_refused(scenes, tmp_path, change, says):
    """With its id and its image."""
    told = coco_of(scenes)
    told["annotations"][0] |= change

    error = refused(told, tmp_path, scenes)

    assert "HP-D03" == error.code
    assert says in error.what


def test_an_image_that_is_not_there_or_is_elsewhere_is_refused(scenes, tmp_path):
    """A path of a file must not reach into the rest of the disk."""
    missing, outside = "its picture does not exist", "its picture lies outside the folder"
    (tmp_path / "out_of_it.png").write_bytes(b"")
    for name, says in (
        ("three.png", missing),
        ("../out_of_it.png", outside),
        ("a\0", missing),
        ("a" * 300, missing),
    ):
        told = coco_of(scenes)
        told["images"][0]["file_name"] = name

        error = refused(told, tmp_path, scenes)

        assert ("HP-D03", True) == (error.code, says in error.what)


def test_an_image_is_not_sorted_by_what_its_own_name_begins_with(scenes, tmp_path):
    """A picture of a train station is no training data for that; a folder called val is."""
    names = ("train_station.png", "test_site.png", "val/two.png")
    write_coco(tmp_path / "in", [(name, one) for name, (_, one) in zip(names, scenes, strict=True)])

    measured = build_in(tmp_path / "out", recipe("coco", folder="in"), root=tmp_path)

    assert "given" == measured["dataset.split_by"].value
    sides = {
        path.name.partition("-")[0]: set(pq.read_table(path)["scene_id"].to_pylist())
        for path in (tmp_path / "out/data").iterdir()
    }
    assert {"train": {"train_station", "test_site"}, "validation": {"val_two"}} == sides


def test_scenes_are_counted_by_split_and_a_split_of_ones_own_is_told_as_such(scenes, tmp_path):
    """What is tested on is not what is validated on; folders that were not followed decided nothing."""
    names = ("train/a.png", "val/b.png", "test/c.png")
    write_coco(tmp_path / "in", [(name, one) for name, (_, one) in zip(names, scenes, strict=True)])

    given = build_in(tmp_path / "out", recipe("coco", folder="in"), root=tmp_path)
    drawn_anew = build_in(
        tmp_path / "own", recipe("coco", folder="in", split={"by": "scene", "seed": 5}), root=tmp_path
    )

    assert {"train": 1, "validation": 1, "test": 1} == {
        split: given[f"dataset.{split}.scenes"].value for split in ("train", "validation", "test")
    }
    assert "given" == given["dataset.split_by"].value
    assert ("scene", 5) == (drawn_anew["dataset.split_by"].value, drawn_anew["dataset.split_seed"].value)


def test_an_image_that_comes_twice_stays_on_one_side(scenes, tmp_path):
    """Under another name it would be trained on and held out."""
    told = [(f"{number}.png", scenes[number % 3][1]) for number in range(6)]
    write_coco(tmp_path / "in", told)
    for seed in range(3):
        build_in(
            tmp_path / f"out{seed}",
            recipe("coco", folder="in", split={"seed": seed, "validation_share": 0.4}),
            root=tmp_path,
        )
        held_out = set(
            pq.read_table(tmp_path / f"out{seed}/data/validation-00000-of-00001.parquet")[
                "scene_id"
            ].to_pylist()
        )
        assert {(int(one) + 3) % 6 for one in held_out} == set(map(int, held_out))

    (tmp_path / "in/val").mkdir()
    write_coco(tmp_path / "in", [*told, ("val/again.png", scenes[0][1])])
    with pytest.raises(HubpubError, match="two scenes show the same image on two sides"):
        build_in(tmp_path / "refused", recipe("coco", folder="in"), root=tmp_path)


def test_a_box_that_is_outside_by_less_than_a_pixel_is_cut_to_the_image(scenes, tmp_path):
    """Tools round: 479.6 and a width of 0.9 is no fault."""
    told = coco_of(scenes)
    box = told["annotations"][0]["bbox"]
    told["annotations"][0]["bbox"] = [box[0] + 0.25, -0.5, box[2], box[1] + box[3]]
    write_coco(tmp_path / "in", scenes, told)

    build_in(tmp_path / "out", recipe("coco", folder="in"), root=tmp_path)

    (row, *_) = [row for row in rows_of(tmp_path / "out") if row["scene_id"] == "one"]
    assert 0 == row["objects"][0]["bbox"]["ymin"]
    assert row["objects"][0]["is_cutoff"], "it touches the edge: nobody knows how far it goes on"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{", "HP-D03"),
        ("[]", "HP-D03"),
        ('{"images": []}', "HP-D03"),
        ('{"images": ["a"], "annotations": [], "categories": []}', "HP-D03"),
        ('{"images": [{"id": [1]}], "annotations": [], "categories": []}', "HP-D03"),
        (None, "HP-D01"),
    ],
)
def test_what_is_no_coco_file_is_refused(scenes, tmp_path, text, code):
    """Before any picture is read."""
    write_coco(tmp_path / "in", scenes)
    file = tmp_path / "in" / "annotations.json"
    file.unlink() if text is None else file.write_text(text)

    with pytest.raises(HubpubError) as caught:
        build_in(tmp_path / "out", recipe("coco", folder="in"), root=tmp_path)

    assert code == caught.value.code


def test_an_image_without_annotations_is_left_out_and_two_of_one_id_are_refused(scenes, tmp_path):
    """An empty scene gives no rows; two images of one id would share their boxes."""
    told = coco_of(scenes)
    told["images"][0]["id"] = told["images"][1]["id"]
    assert "more than one image has the id 1" in refused(told, tmp_path, scenes).what

    told = coco_of(scenes) | {"annotations": []}
    assert "HP-D01" == refused(json.loads(json.dumps(told)), tmp_path, scenes).code
