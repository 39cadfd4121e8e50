"""A dataset's files as the checks see them: which file is of which split, and what Parquet footers say."""

from __future__ import annotations

import io
import json
import random
from pathlib import Path

import pytest
from checks_samples import parquet

from publisher.checks.fix import mended
from publisher.checks.observe.datafiles import guessed
from publisher.checks.observe.files import Files
from publisher.checks.observe.footers import Footer, parse_footer
from publisher.checks.observe.target import RepoView
from publisher.checks.observe.thrift import CompactReader, ThriftError
from publisher.checks.registry import choose
from publisher.checks.run import check_folder
from publisher.checks.source import Entry, FolderSource
from publisher.data.package import image, integer, list_of, text, write_split
from publisher.records.findings import Severity

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")
pytestmark = pytest.mark.models

INFO = """\
---
license: mit
dataset_info:
  features:
  - name: prompt
    dtype: {dtype}
  splits:
  - name: train
    num_bytes: 9
    num_examples: {rows}
---

# Scenes
"""


def footer_of(raw: bytes) -> Footer:
    length = int.from_bytes(raw[-8:-4], "little")
    return parse_footer(raw[-8 - length : -8])


def table_bytes(table: pa.Table, **options: object) -> bytes:
    file = io.BytesIO()
    pq.write_table(table, file, **options)
    return file.getvalue()


def test_a_footer_tells_rows_columns_and_types_as_pyarrow_wrote_them() -> None:
    """A wrong type here is an error on a sound card."""
    table = pa.table(
        {
            "text": ["a", "b"],
            "large": pa.array(["a", "b"], pa.large_string()),
            "raw": [b"a", b"b"],
            "small": pa.array([1, 2], pa.uint8()),
            "whole": [1, 2],
            "single": pa.array([1.0, 2.0], pa.float32()),
            "half": pa.array([1.0, 2.0], pa.float16()),
            "truth": [True, False],
            "when": pa.array([1, 2], pa.timestamp("ns")),
            "many": [[1], []],
            "box": [{"xmin": 1, "inner": [{"deep": "x"}]}] * 2,
            "pairs": pa.array([[("k", 1)], []], pa.map_(pa.string(), pa.int64())),
            "nothing": pa.nulls(2),
        }
    )

    footer = footer_of(table_bytes(table))

    assert 2 == footer.rows
    assert tuple(table.column_names) == footer.columns
    assert (
        "string", "string", "binary", "uint8", "int64", "float32", None, "bool", None, "list", "struct", "list", None,
    ) == footer.types  # fmt: skip


def test_many_row_groups_are_passed_over() -> None:
    """Footers of large files are mostly row groups; of the longest only the beginning is read."""
    table = pa.table({f"column{n}": list(range(3000)) for n in range(40)})
    raw = table_bytes(table, row_group_size=10)

    footer = footer_of(raw)

    assert int.from_bytes(raw[-8:-4], "little") > 1024 * 1024
    assert (3000, 40) == (footer.rows, len(footer.columns))


def test_no_damaged_footer_breaks_a_check() -> None:
    """Every length in a footer is a stranger's number."""
    raw = table_bytes(pa.table({"a": [1, 2], "b": [["x"], []]}))
    sound = raw[-8 - int.from_bytes(raw[-8:-4], "little") : -8]
    chance = random.Random(7)
    refused = 0
    for _ in range(3000):
        damaged = bytearray(sound[: chance.randrange(1, len(sound) + 1)])
        damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        try:
            parse_footer(bytes(damaged))
        except ThriftError:
            refused += 1

    assert refused > 1000


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x19\xfc\xff\xff\xff\xff\x0f",
        b"\x1c" * 5000,
        b"\x16" + b"\xff" * 20,
        b"\x18\xff\xff\xff\xff\x0f",
    ],
    ids=["empty", "list of 2^32", "nested", "endless number", "text of 2^32"],
)
def test_a_struct_that_claims_nonsense_is_refused(raw: bytes) -> None:
    """Nothing of a claimed size may be made, and no depth may end in a RecursionError."""
    with pytest.raises(ThriftError):
        CompactReader(raw).struct()


@pytest.mark.parametrize(
    ("paths", "splits"),
    [
        (["data/train-00000-of-00001.parquet", "stats.parquet"], {"train": 1}),
        (["train/a.jsonl", "test/a.jsonl", "notes.jsonl"], {"train": 1, "test": 1}),
        (["my-dev.csv", "my_train.csv"], {"validation": 1, "train": 1}),
        (["rows.jsonl", "more.json", "README.md", "dataset_info.json", ".hidden/x.json"], {"train": 2}),
        (["traindata.csv", "testdata.csv"], {"train": 2}),
        (["a.png", "metadata.jsonl"], {"train": 1}),
        (["a.tar", "b.tar", "stats.json"], {}),
        (["a.bin"], {}),
    ],
    ids=["shards", "folders", "names", "all", "no delimiter", "images", "shards of another kind", "none"],
)
def test_splits_are_guessed_as_datasets_guesses_them(paths: list[str], splits: dict[str, int]) -> None:
    """Rows counted for the wrong split would be an error on a sound card. Compared with datasets 5.2."""
    found = guessed(Files(tuple(Entry(path, 10) for path in sorted(paths))))

    assert splits == {split.split: len(split.paths) for split in found}


def test_what_this_project_writes_agrees_with_its_card(tmp_path: Path) -> None:
    """Images, structs, lists: the features as the Hub's own card spells them."""
    features = {"image": image(), "box": {"xmin": integer()}, "words": list_of(text()), "prompt": text()}
    row = {
        "image": {"bytes": b"x", "path": "a.png"},
        "box": {"xmin": 1},
        "words": ["a"],
        "prompt": "the ship",
    }
    write_split(tmp_path, "train", features, [row, row])
    (tmp_path / "README.md").write_text(
        "---\nlicense: mit\ndataset_info:\n  features:\n  - name: image\n    dtype: image\n  - name: box\n    struct:\n"
        "    - name: xmin\n      dtype: int64\n  - name: words\n    list: string\n  - name: prompt\n    dtype: string\n"
        "  splits:\n  - name: train\n    num_examples: 2\n---\n"
    )

    report = check_folder(tmp_path, select=["DATA101", "DATA102"])

    assert () == report.findings
    assert () == report.skipped


def test_wrong_numbers_and_types_are_mended_and_nothing_else(tmp_path: Path) -> None:
    """`--fix` twice is `--fix` once."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data/train-00000-of-00001.parquet").write_bytes(parquet([{"prompt": "a"}, {"prompt": "b"}]))
    (tmp_path / "README.md").write_text(INFO.format(dtype="int64", rows=5))
    rules = choose(["DATA101", "DATA102"])

    files = mended(RepoView(FolderSource(tmp_path)), rules)
    (tmp_path / "README.md").write_bytes(files["README.md"][1])

    assert INFO.format(dtype="string", rows=2) == (tmp_path / "README.md").read_text()
    assert {} == mended(RepoView(FolderSource(tmp_path)), rules)


def test_a_swallowed_sidecar_is_mended_by_naming_the_data(tmp_path: Path) -> None:
    """One line in the front matter, after which the rule is quiet."""
    (tmp_path / "rows.jsonl").write_text((json.dumps({"prompt": "a", "completion": "b"}) + "\n") * 3)
    (tmp_path / "stats.json").write_text('{\n  "scenes": 60\n}\n')
    (tmp_path / "README.md").write_text("---\nlicense: mit\n---\n")
    rules = choose(["DATA103"])

    files = mended(RepoView(FolderSource(tmp_path)), rules)
    (tmp_path / "README.md").write_bytes(files["README.md"][1])

    expected = '---\nconfigs: [{config_name: default, data_files: ["rows.jsonl"]}]\nlicense: mit\n---\n'

    assert expected == (tmp_path / "README.md").read_text()
    assert () == check_folder(tmp_path, select=["DATA103"]).findings


def test_a_declared_column_that_a_file_lacks_is_a_warning_since_it_loads(tmp_path: Path) -> None:
    """`datasets` fills it with nothing; a column too many stops it."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data/train-00000-of-00001.parquet").write_bytes(parquet([{"other": "a"}]))
    (tmp_path / "README.md").write_text(INFO.format(dtype="string", rows=1))

    report = check_folder(tmp_path, select=["DATA101"])

    assert [(Severity.ERROR, 4), (Severity.WARNING, 5)] == [(f.severity, f.line) for f in report.findings]


def test_a_file_that_is_no_parquet_leaves_its_rows_unknown(tmp_path: Path) -> None:
    """Unknown is skipped with a reason; it is neither right nor wrong."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data/train-00000-of-00001.parquet").write_bytes(b"PAR1 and no more")
    (tmp_path / "README.md").write_text(INFO.format(dtype="string", rows=1))

    report = check_folder(tmp_path, select=["DATA102"])

    assert () == report.findings
    assert ["data/train-00000-of-00001.parquet does not end as a Parquet file does"] == [
        skip.reason for skip in report.skipped
    ]


@pytest.mark.parametrize(
    ("name", "content", "more"),
    [
        (
            "train.csv",
            "prompt;label\na;1\n",
            "configs: [{config_name: default, sep: ';', data_files: train.csv}]\n",
        ),
        ("train.csv", "a ship,1\n", ""),
        ("metadata.csv", "file_name,prompt\na.png,a ship\n", ""),
        ("train.jsonl", '{"prompt": "a"}\n', ""),
    ],
    ids=["separator", "no header", "images", "fewer columns"],
)
def test_columns_of_texts_are_judged_only_where_they_are_known(
    tmp_path: Path, name: str, content: str, more: str
) -> None:
    """What the card tells the reader, or a folder of images renames, is no column too many."""
    (tmp_path / name).write_text(content)
    card = INFO.format(dtype="string", rows=1).replace("license: mit\n", f"license: mit\n{more}")
    (tmp_path / "README.md").write_text(card)

    assert () == check_folder(tmp_path, select=["DATA101"]).findings


def test_a_store_of_different_files_is_a_warning_and_told_once(tmp_path: Path) -> None:
    """Nobody may want to load it; where one file among many differs, somebody does."""
    for name in ("a", "b", "c"):
        (tmp_path / f"{name}.json").write_text(json.dumps({name: 1}))
    (tmp_path / "rows.jsonl").write_text('{"prompt": "a ship", "completion": "grey"}\n')

    (finding,) = check_folder(tmp_path, select=["DATA103"]).findings

    assert ("a.json", Severity.WARNING) == (finding.path, finding.severity)
    assert (
        "`load_dataset` reads this (and 2 more files) as rows of `rows.jsonl`, and they share no column"
        == finding.message
    )
