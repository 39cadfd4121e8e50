from __future__ import annotations

import json
from pathlib import Path

import pytest

from publisher.errors import HubpubError
from publisher.weights.header import read_header
from publisher.weights.shards import read_shards


def test_a_header_tells_type_shape_place_and_metadata(write_safetensors):
    """Everything that the cards say about weights is read from here."""
    header = read_header(write_safetensors({"w": ("BF16", (2, 3))}, metadata={"format": "pt"}))

    tensor = header.tensors["w"]
    expected = ("bfloat16", (2, 3), 6, 12, {"format": "pt"})
    actual = (tensor.torch_dtype, tensor.shape, tensor.elements, tensor.stop - tensor.start, header.metadata)

    assert expected == actual


def test_a_shard_cut_short_is_refused_and_the_error_says_by_how_much(write_safetensors):
    """Half a download must never reach the Hub."""
    file = write_safetensors({"w": ("F32", (4,))})
    file.write_bytes(file.read_bytes()[:-5])

    with pytest.raises(HubpubError) as caught:
        read_header(file)

    assert ("HP-W01", 5) == (caught.value.code, caught.value.data["missing_bytes"])


@pytest.mark.parametrize(
    "entry",
    [
        {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]},
        {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]},
        {"dtype": "NOPE", "shape": [1], "data_offsets": [0, 4]},
        {"dtype": "F32", "shape": [1]},
        {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]},
        {"dtype": "F32", "shape": ["x"], "data_offsets": [0, 4]},
        {"dtype": "F32", "shape": None, "data_offsets": [0, 4]},
    ],
)
def test_an_entry_that_lies_about_its_bytes_is_refused(tmp_path, entry):
    """Offsets from a stranger's file are used to seek; each must be proven first."""
    raw = json.dumps({"w": entry}).encode()
    file = tmp_path / "x.safetensors"
    file.write_bytes(len(raw).to_bytes(8, "little") + raw + bytes(8))

    with pytest.raises(HubpubError) as caught:
        read_header(file)

    assert caught.value.code == "HP-W01"


@pytest.mark.parametrize(
    "content", [b"", b"\x01", b"\xff" * 16, (2).to_bytes(8, "little") + b"[]", b"\0" * 8]
)
def test_what_is_no_safetensors_file_is_refused(tmp_path, content):
    """An HTML error page saved as weights is the usual case."""
    file = tmp_path / "x.safetensors"
    file.write_bytes(content)

    with pytest.raises(HubpubError) as caught:
        read_header(file)

    assert caught.value.code == "HP-W01"


def test_shards_are_read_through_their_index(write_sharded):
    """A model of many files is one set of tensors."""
    shards = read_shards(write_sharded())

    expected = (2, {"a", "b"}, "model-00002-of-00002.safetensors")
    actual = (len(shards.shards), set(shards.tensors), shards.shard_of("b").file.name)

    assert expected == actual


def test_a_missing_shard_is_named(write_sharded):
    """`load` fails with a traceback at the user's; we say which file."""
    folder = write_sharded()
    (folder / "model-00002-of-00002.safetensors").unlink()

    with pytest.raises(HubpubError) as caught:
        read_shards(folder)

    assert ("HP-W02", ["model-00002-of-00002.safetensors"]) == (caught.value.code, caught.value.data["files"])


@pytest.mark.parametrize(
    "weight_map", [{"a": "model-00001-of-00002.safetensors"}, {"c": "../secret.safetensors"}, 3]
)
def test_an_index_that_does_not_say_what_the_shards_hold_is_refused(write_sharded, weight_map):
    """A tensor that the index forgets is silently random after loading; a path in it could lead anywhere."""
    folder = write_sharded()
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": weight_map}))
    if isinstance(weight_map, dict) and "a" in weight_map:  # the shard holds more than the index says
        (folder / "model.safetensors.index.json").write_text(
            json.dumps({"weight_map": weight_map | {"b": "model-00001-of-00002.safetensors"}})
        )

    with pytest.raises(HubpubError) as caught:
        read_shards(folder)

    assert caught.value.code == "HP-W02"


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", "weights.pkl", "last.ckpt"])
def test_pickles_are_refused_by_name(tmp_path: Path, name):
    """Loading a pickle runs what is in it."""
    (tmp_path / name).write_bytes(b"\x80\x04.")

    with pytest.raises(HubpubError) as caught:
        read_shards(tmp_path)

    assert ("HP-W03", [name]) == (caught.value.code, caught.value.data["files"])


def test_an_index_of_pickles_is_refused(tmp_path: Path):
    """The index has the safetensors name, the shards do not."""
    (tmp_path / "a.bin").write_bytes(b"")
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": "a.bin"}}))

    with pytest.raises(HubpubError) as caught:
        read_shards(tmp_path)

    assert caught.value.code == "HP-W03"


def test_a_folder_without_weights_is_no_model(tmp_path: Path):
    """The hint says what is wanted."""
    with pytest.raises(HubpubError) as caught:
        read_shards(tmp_path)

    assert caught.value.code == "HP-B04"
