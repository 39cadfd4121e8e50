"""The sheet of example rows: which rows, and the same bytes each time."""

import io

import pytest
from dataset_recipes import build_in, recipe

from publisher.data.examples import MOST, example_rows, example_sheet

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")
Image = pytest.importorskip("PIL.Image")
pytestmark = pytest.mark.models


def test_a_row_of_every_kind_is_shown_and_else_rows_of_other_scenes(built):
    """Objects and groups, and not six times one scene."""
    rows = pq.read_table(built.folder / "data/train-00000-of-00001.parquet").to_pylist()

    shown = [rows[number] for number in example_rows(built.folder)]

    assert MOST == len(shown)
    assert {"object", "group"} == {row["item_type"] for row in shown}
    assert len({row["scene_id"] for row in shown}) >= MOST - 1


def test_the_sheet_has_the_same_bytes_each_time_and_a_place_for_each_row(built):
    """It is released with the card: a picture that changes by itself would be a card revision each time."""
    sheet = example_sheet(built.folder)

    assert sheet == example_sheet(built.folder)
    assert (3 * 332 + 12, 2 * 404 + 12) == Image.open(io.BytesIO(sheet)).size


def test_what_a_model_sees_is_shown_where_it_sees_pictures(tmp_path):
    """With the mark that was drawn for it."""
    build_in(tmp_path, recipe("scenes", scenes=4, format="image-text", expressions_per_item=1))

    first = pq.read_table(tmp_path / "data/train-00000-of-00001.parquet").to_pylist()[
        example_rows(tmp_path)[0]
    ]
    expected = Image.open(io.BytesIO(first["images"][0]["bytes"])).convert("RGB")
    expected.thumbnail((320, 320))
    sheet = Image.open(io.BytesIO(example_sheet(tmp_path)))
    assert expected.tobytes() == sheet.crop((12, 12, 332, 332)).tobytes()


def test_rows_without_pictures_have_no_sheet(tmp_path):
    """Plain texts are read in the viewer."""
    (tmp_path / "data").mkdir()
    rows = [{"prompt": "a", "completion": "b"}]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "data/train-00000-of-00001.parquet")

    assert () == example_rows(tmp_path)


def test_fewer_rows_give_a_smaller_sheet_and_conversations_show_their_answer(tmp_path):
    """A dataset of one row is a dataset."""
    stored = io.BytesIO()
    Image.new("RGB", (40, 20), "blue").save(stored, "PNG")
    row = {
        "images": [{"bytes": stored.getvalue(), "path": "a.png"}],
        "messages": [{"role": "user", "content": "?"}, {"role": "assistant", "content": "a blue one"}],
    }
    (tmp_path / "data").mkdir()
    pq.write_table(pa.Table.from_pylist([row]), tmp_path / "data/train-00000-of-00001.parquet")

    sheet = Image.open(io.BytesIO(example_sheet(tmp_path)))

    assert (0,) == example_rows(tmp_path)
    assert (332 + 12, 404 + 12) == sheet.size
    assert (0, 0, 255) == sheet.getpixel((12 + 160, 12 + 160))
    words = sheet.crop((12, 336, 332, 352))
    assert len(words.getcolors()) > 1, "the answer stands below"
