"""Packaging and reading: typed columns out, counts and texts back, and every way in which a file can be wrong."""

import sys

import pytest

from publisher.data import package
from publisher.data.package import arrow_type, image, integer, list_of, split_path, text, write_split
from publisher.data.rows import columns, count_rows, read_texts
from publisher.data.sample import Picture
from publisher.errors import HubpubError

pq = pytest.importorskip("pyarrow.parquet")
pytestmark = pytest.mark.models

TEXTS = {"prompt": text(), "completion": text()}


def write(folder, split="train", features=None, rows=None):
    return write_split(
        folder,
        split,
        TEXTS if features is None else features,
        [{"prompt": "where?", "completion": "here"}] if rows is None else rows,
    )


def refusal(call, *arguments):
    with pytest.raises(HubpubError) as caught:
        call(*arguments)
    assert caught.value.hint
    return caught.value


def test_rows_are_counted_by_split_in_a_dataset_and_in_its_data_folder(built):
    """Training is pointed at the one, users at the other."""
    value = {name: one.value for name, one in built.measured.items()}
    expected = {"train": value["dataset.train.rows"], "validation": value["dataset.validation.rows"]}

    assert expected == count_rows(built.folder)
    assert expected == count_rows(built.folder / "data")


def test_columns_come_in_their_order(built):
    """The card lists them."""
    assert built.measured["dataset.columns"].value == columns(built.folder)


def test_texts_are_read_in_order_and_no_more_than_asked_for(built):
    """The first rows of a split are always the same ones."""
    texts = read_texts(built.folder, "validation", None)

    assert built.measured["dataset.validation.rows"].value == len(texts)
    assert texts[:5] == read_texts(built.folder, "validation", 5)
    assert texts[0][0].startswith("Target: ")
    assert texts[0][1].startswith(("the ", "all "))


def test_splits_in_several_files_are_one_split(tmp_path):
    """Larger datasets come in shards."""
    write(tmp_path).rename(tmp_path / "data" / "train-00000-of-00002.parquet")
    write(tmp_path, rows=[{"prompt": "and?", "completion": "there"}]).rename(
        tmp_path / "data" / "train-00001-of-00002.parquet"
    )

    assert {"train": 2} == count_rows(tmp_path)
    assert [("where?", "here"), ("and?", "there")] == read_texts(tmp_path, "train", None)


def test_a_folder_without_parquet_files_has_no_rows(tmp_path):
    """Also where the folder does not exist."""
    (tmp_path / "train.parquet").write_bytes(b"")
    for folder in (tmp_path, tmp_path / "nowhere"):
        for call in (count_rows, columns):
            assert "HP-D01" == refusal(call, folder).code


def test_a_split_that_is_not_there_is_named_beside_those_that_are(tmp_path):
    """A typing error is seen at once."""
    write(tmp_path)

    error = refusal(read_texts, tmp_path, "test", None)

    assert ("HP-D01", "the dataset has no split test, only train") == (error.code, error.what)


def test_files_without_rows_are_no_dataset(tmp_path):
    """Other programs do write such files."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = split_path(tmp_path, "train")
    path.parent.mkdir()
    pq.write_table(
        pa.table({"prompt": pa.array([], pa.string()), "completion": pa.array([], pa.string())}), path
    )

    assert "HP-D01" == refusal(count_rows, tmp_path).code
    assert "HP-D01" == refusal(read_texts, tmp_path, "train", None).code


def test_no_rows_are_not_written(tmp_path):
    """No half dataset is left behind."""
    assert "HP-D01" == refusal(write, tmp_path, "train", TEXTS, []).code
    assert [] == list(tmp_path.iterdir())


def test_rows_with_large_pictures_are_written_in_smaller_groups(tmp_path, monkeypatch):
    """A group is in memory as a whole, and Arrow's columns of bytes end at two gigabytes."""
    monkeypatch.setattr(package, "GROUP_BYTES", 250)
    pictures = [Picture(f"{number}.png", lambda number=number: bytes([number]) * 100) for number in range(7)]
    rows = [{"text": "a", "images": [picture]} for picture in pictures]

    path = write(tmp_path, features={"text": text(), "images": list_of(image())}, rows=rows)

    file = pq.ParquetFile(path)
    assert [3, 3, 1] == [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)]
    assert [bytes([number]) * 100 for number in range(7)] == [
        row["images"][0]["bytes"] for row in file.read().to_pylist()
    ]


def test_a_row_with_other_columns_than_declared_is_refused(tmp_path):
    """Arrow would fill the gap with null and drop the rest, silently."""
    error = refusal(write, tmp_path, "train", TEXTS, [{"prompt": "where?", "answer": "here"}])

    assert ("HP-D02", ["answer", "completion"]) == (error.code, error.data["columns"])


def test_missing_text_columns_are_named(tmp_path):
    """Training needs both."""
    write(
        tmp_path, features={"prompt": text(), "answer": text()}, rows=[{"prompt": "where?", "answer": "here"}]
    )

    error = refusal(read_texts, tmp_path, "train", None)

    assert ("HP-D02", ["completion"]) == (error.code, error.data["missing"])


def test_an_empty_text_is_refused_with_its_row(tmp_path):
    """A model would learn to say nothing."""
    write(tmp_path, rows=[{"prompt": "where?", "completion": "here"}, {"prompt": "where?", "completion": ""}])

    error = refusal(read_texts, tmp_path, "train", None)

    assert ("HP-D02", 1) == (error.code, error.data["row"])


def test_splits_with_different_columns_are_refused(tmp_path):
    """`load_dataset` would fail on them at the user's."""
    write(tmp_path)
    write(tmp_path, "validation", {"prompt": text()}, [{"prompt": "where?"}])

    assert "HP-D02" == refusal(columns, tmp_path).code


@pytest.mark.parametrize("bytes_kept", [0, 100])
def test_a_damaged_file_is_refused(tmp_path, bytes_kept):
    """Half a download, for one."""
    path = write(tmp_path)
    path.write_bytes(path.read_bytes()[:bytes_kept])

    for call, arguments in ((count_rows, ()), (columns, ()), (read_texts, ("train", None))):
        assert "HP-D02" == refusal(call, tmp_path, *arguments).code


def test_reading_without_pyarrow_names_the_command_that_installs_it(tmp_path, monkeypatch):
    """The light install can check cards, not read datasets."""
    write(tmp_path)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)

    error = refusal(count_rows, tmp_path)

    assert ("HP-E01", 'pip install "hubpub[models]"') == (error.code, error.hint)


def test_features_become_arrow_types_and_unknown_ones_are_refused():
    """A feature that silently became text would be a lie in the schema."""
    assert "struct<a: int64, b: list<element: string>>" == str(
        arrow_type({"a": integer(), "b": list_of(text())})
    ).replace("item:", "element:")
    with pytest.raises(ValueError, match="Audio"):
        arrow_type({"_type": "Audio"})
