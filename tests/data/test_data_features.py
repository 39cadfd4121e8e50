"""What stands in `dataset_info` is what `datasets` would write there: types, rows and bytes of every split."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from publisher.card.metadata import front_matter, front_matter_text
from publisher.card.view import CardInput
from publisher.data.features import features, memory_bytes
from publisher.data.package import split_path, text, write_split
from publisher.data.rows import count_rows
from publisher.records.facts import Fact, Facts, FileSource

PROGRAM = """
import json, sys
from datasets import load_dataset_builder
from datasets.info import DatasetInfosDict
from huggingface_hub import DatasetCardData

builder = load_dataset_builder(sys.argv[1])
builder.download_and_prepare()
written = DatasetCardData()
DatasetInfosDict({"default": builder.info}).to_dataset_card_data(written)
print(json.dumps(written.to_dict()["dataset_info"]))
"""


def as_datasets_writes_it(folder, home) -> dict:
    """The block that `datasets` makes of a folder, in a process of its own with an empty cache."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "HF_HUB_OFFLINE": "1",
        "OMP_NUM_THREADS": "1",
    }
    done = subprocess.run(
        [sys.executable, "-W", "error::UserWarning", "-c", PROGRAM, str(folder)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert 0 == done.returncode, done.stderr
    return json.loads(done.stdout)


def card_of(folder) -> CardInput:
    """A dataset's card with the facts that the stage records."""
    rows, sizes = count_rows(folder), memory_bytes(folder)
    values = {
        "dataset.rows": sum(rows.values()),
        **{f"dataset.{split}.rows": count for split, count in rows.items()},
        **{f"dataset.{split}.memory_bytes": size for split, size in sizes.items()},
        "dataset.memory_bytes": sum(sizes.values()),
        "dataset.download_bytes": sum(file.stat().st_size for file in folder.glob("data/*.parquet")),
        "dataset.features": features(folder),
    }
    source = FileSource("evidence/dataset.json", "0" * 64)
    facts = Facts([Fact(i, value, None, "known", "dataset", source) for i, value in values.items()])
    return CardInput("demo", "1.0.0", "dataset", "me/rows", "Demo", "me", "mit", facts)


def described(folder) -> dict:
    return yaml.safe_load(front_matter_text(front_matter(card_of(folder))).strip("-\n"))


@pytest.mark.models
def test_datasets_would_write_the_same_dataset_info(built, tmp_path):
    """Images, structs and lists, two splits: read with `datasets` itself, nothing differs."""
    assert as_datasets_writes_it(built.folder, tmp_path) == described(built.folder)["dataset_info"]


@pytest.mark.models
def test_datasets_takes_the_card_and_finds_the_rows_that_it_names(built, tmp_path):
    """A card with other numbers than the files stops whoever loads it, so the card must be read beside them."""
    folder = tmp_path / "repo"
    (folder / "data").mkdir(parents=True)
    for split in ("train", "validation"):
        split_path(folder, split).write_bytes(split_path(built.folder, split).read_bytes())
    (folder / "README.md").write_text(front_matter_text(front_matter(card_of(folder))), encoding="utf-8")

    assert as_datasets_writes_it(folder, tmp_path) == described(folder)["dataset_info"]


@pytest.mark.models
def test_files_of_others_are_described_as_datasets_describes_them(tmp_path):
    """No record of `datasets` in the file, odd types, several files a split, gaps in the values, more groups than one."""
    table = pa.table(
        {
            "text": ["one", None, "three"] * 50,
            "score": pa.array([0.5, 1.5, None] * 50, pa.float32()),
            "flags": pa.array([[True], [], None] * 50, pa.list_(pa.bool_())),
            "when": pa.array([0, 1, 2] * 50, pa.timestamp("us", tz="UTC")),
            "turns": pa.array([[{"role": "user", "n": 1}], [], []] * 50),
            "long": pa.array(["a", "b", "c"] * 50, pa.large_string()),
        }
    )
    data = tmp_path / "data"
    data.mkdir()
    for name in ("train-00000-of-00002", "train-00001-of-00002", "test-00000-of-00001"):
        pq.write_table(table, data / f"{name}.parquet", row_group_size=64)

    assert as_datasets_writes_it(tmp_path, tmp_path) == described(tmp_path)["dataset_info"]
    assert ["train", "test"] == [file["split"] for file in described(tmp_path)["configs"][0]["data_files"]]


def test_labels_and_older_lists_are_told_as_the_hub_tells_them(tmp_path):
    """Class labels by number, as text: the Hub's server asks for that."""
    declared = {
        "label": {"names": ["no", "yes"], "_type": "ClassLabel"},
        "words": [{"dtype": "string", "_type": "Value"}],
        "deep": {
            "feature": {"feature": {"dtype": "int64", "_type": "Value"}, "_type": "List"},
            "_type": "List",
        },
    }
    table = pa.table({"label": [0, 1], "words": [["a"], []], "deep": [[[1]], []]})
    record = {"huggingface": json.dumps({"info": {"features": declared}})}
    pq.write_table(table.replace_schema_metadata(record), tmp_path / "train-00000-of-00001.parquet")

    expected = [
        {"name": "label", "dtype": {"class_label": {"names": {"0": "no", "1": "yes"}}}},
        {"name": "words", "list": "string"},
        {"name": "deep", "list": {"list": "int64"}},
    ]
    assert expected == features(tmp_path)


def test_a_type_without_a_known_form_leaves_all_types_out(tmp_path):
    """`datasets` would refuse to load a column that the card names wrongly; without types it reads them itself."""
    table = pa.table({"text": ["a"], "price": pa.array([None], pa.decimal128(10, 2))})
    pq.write_table(table, tmp_path / "train-00000-of-00001.parquet")

    assert features(tmp_path) is None


def test_without_a_size_of_every_split_there_is_no_dataset_info(tmp_path):
    """Facts of an older release have no sizes: half a block makes `datasets` warn and drop it."""
    write_split(tmp_path, "train", {"text": text()}, [{"text": "a"}])
    write_split(tmp_path, "validation", {"text": text()}, [{"text": "b"}])
    card = card_of(tmp_path)
    facts = Facts([fact for fact in card.facts.values() if fact.id != "dataset.validation.memory_bytes"])

    assert "dataset_info" in front_matter(card)
    assert "dataset_info" not in front_matter(CardInput(**{**vars(card), "facts": facts}))
