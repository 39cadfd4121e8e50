"""Configurations and indexes that `--fix` mends: the one value, nothing else, and never by guessing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from checks_samples import safetensors

from publisher.checks.fix import apply, mended
from publisher.checks.mending import add_number, write_value
from publisher.checks.observe.jsons import JsonFile, parse_json
from publisher.checks.observe.target import RepoView
from publisher.checks.registry import by_code
from publisher.checks.source import FolderSource


def json_file(text: str) -> JsonFile:
    return JsonFile("config.json", *parse_json(text.encode()))


@pytest.mark.parametrize(
    ("text", "key", "value", "expected"),
    [
        ('{\n  "a": {"x": 1},\n  "x": 2\n}\n', "x", "new", '{\n  "a": {"x": 1},\n  "x": "new"\n}\n'),
        ('{"y": "\\"x\\": 1", "x": null}', "x", True, '{"y": "\\"x\\": 1", "x": true}'),
        ('{\r\n    "y": 1\r\n}', "x", 1, '{\r\n    "x": 1,\r\n    "y": 1\r\n}'),
        ('{"x":\n\n  "ü"}', "x", "o", '{"x":\n\n  "o"}'),
    ],
    ids=["nested", "quoted", "new key", "own line"],
)
def test_one_value_is_written_and_every_other_byte_stays(
    text: str, key: str, value: str | bool | int, expected: str
) -> None:
    """The diff that an author reviews holds the fault and nothing else."""
    edit = write_value(json_file(text), key, value)

    assert edit is not None
    assert expected.encode() == apply(text.encode(), edit)


@pytest.mark.parametrize("text", ['{"x": 1, "x": 2}', '{"x": [\n1]}'], ids=["twice", "over lines"])
def test_a_value_that_is_not_one_place_is_left_to_the_author(text: str) -> None:
    """A loader takes the last of two keys; an edit of the first would change nothing and say that it did."""
    assert write_value(json_file(text), "x", 3) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"eos": 2}', '{"eos": [2, 5]}'),
        ('{"eos": [1, 22]}', '{"eos": [1, 22, 5]}'),
        ('{\n  "eos": [\n    1,\n    22\n  ]\n}', '{\n  "eos": [\n    1,\n    22, 5\n  ]\n}'),
    ],
    ids=["a number", "a list", "a list over lines"],
)
def test_a_number_joins_those_that_stand_there(text: str, expected: str) -> None:
    """Generation stops at all of them; the first also pads, so the order stays."""
    edit = add_number(json_file(text), "eos", 5)

    assert edit is not None
    assert expected.encode() == apply(text.encode(), edit)


def sharded(folder: Path, weight_map: dict[str, str], **metadata: object) -> Path:
    for number, name in ((1, "a"), (2, "b")):
        (folder / f"model-0000{number}-of-00002.safetensors").write_bytes(safetensors(f"{name} F32 8x8"))
    index = {"metadata": metadata, "weight_map": weight_map}
    path = folder / "model.safetensors.index.json"
    path.write_text(json.dumps(index, indent=2) + "\n", "utf-8")
    return path


def test_an_index_that_points_to_the_wrong_shards_is_rebuilt_from_them(tmp_path: Path) -> None:
    """The shards know better than their index; what else the index says is kept."""
    names = [f"model-0000{number}-of-00002.safetensors" for number in (1, 2)]
    path = sharded(tmp_path, {"a": names[1], "b": names[0]}, total_size=1, note="kept")

    changes = mended(RepoView(FolderSource(tmp_path)), (by_code("WGT042"),))
    _, after = changes[path.name]

    assert {"total_size": 512, "note": "kept"} == json.loads(after)["metadata"]
    assert {"a": names[0], "b": names[1]} == json.loads(after)["weight_map"]
    path.write_bytes(after)
    assert {} == mended(RepoView(FolderSource(tmp_path)), (by_code("WGT042"),))


def test_an_index_that_names_a_lost_tensor_is_not_made_to_forget_it(tmp_path: Path) -> None:
    """A rebuilt index without the tensor would load, with random numbers in its place."""
    names = [f"model-0000{number}-of-00002.safetensors" for number in (1, 2)]
    sharded(tmp_path, {"a": names[0], "b": names[1], "lost": names[1]}, total_size=512)

    assert {} == mended(RepoView(FolderSource(tmp_path)), (by_code("WGT042"),))
