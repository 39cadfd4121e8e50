"""A stand-in's files say that they are one, wherever they are copied to."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from publisher.records.stand_in import MARK, TAG
from publisher.weights.header import read_header
from publisher.weights.stand_in import is_marked, mark_weights


def safetensors(file: Path, **metadata: str) -> Path:
    """One tensor of two bytes."""
    entry = {"t": {"dtype": "BF16", "shape": [1], "data_offsets": [0, 2]}}
    header = json.dumps({"__metadata__": {"format": "pt", **metadata}, **entry}).encode()
    file.write_bytes(len(header).to_bytes(8, "little") + header + b"\x01\x02")
    return file


def gguf(file: Path, description: str) -> Path:
    """A header with one entry."""
    key, value = b"general.description", description.encode()
    entry = len(key).to_bytes(8, "little") + key + (8).to_bytes(4, "little")
    entry += len(value).to_bytes(8, "little") + value
    head = b"GGUF" + (3).to_bytes(4, "little") + (0).to_bytes(8, "little") + (1).to_bytes(8, "little")
    file.write_bytes(head + entry)
    return file


def test_a_mark_leaves_the_tensors_and_the_other_metadata_as_they_were(tmp_path: Path) -> None:
    """And the file is still one that passes for whole."""
    file = safetensors(tmp_path / "model.safetensors")

    mark_weights(file)

    assert {"format": "pt", MARK: "true"} == read_header(file).metadata
    assert b"\x01\x02" == file.read_bytes()[-2:]
    assert is_marked(file)


def test_the_same_weights_are_marked_by_the_same_bytes(tmp_path: Path) -> None:
    """A release that is made twice must not differ."""
    files = [safetensors(tmp_path / f"{n}.safetensors") for n in "ab"]
    for file in files:
        mark_weights(file)
    mark_weights(files[1])

    assert files[0].read_bytes() == files[1].read_bytes()


def test_the_mark_is_found_in_each_kind_of_file(tmp_path: Path) -> None:
    """And not in one that only happens to be small."""
    config = tmp_path / "config.json"
    config.write_text(json.dumps({MARK: True}))
    marked = [
        config,
        safetensors(tmp_path / "a.safetensors", **{MARK: "true"}),
        gguf(tmp_path / "a.gguf", f"{TAG}: random"),
    ]
    plain = [safetensors(tmp_path / "b.safetensors"), gguf(tmp_path / "b.gguf", "a model")]

    assert [True] * 3 == [is_marked(file) for file in marked]
    assert [False] * 2 == [is_marked(file) for file in plain]


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "model.gguf", "README.md"])
def test_a_file_that_cannot_be_read_says_nothing(tmp_path: Path, name: str) -> None:
    """What is wrong with it is for whoever reads it to say."""
    file = tmp_path / name
    file.write_bytes(b"\xff\xfe nothing")

    assert not is_marked(file)
