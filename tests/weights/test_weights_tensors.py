"""Digests of single tensors: what a version is told apart from the next one by."""

from __future__ import annotations

import hashlib
import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from publisher.errors import HubpubError
from publisher.records.changes import Tensor
from publisher.weights.tensors import digest_tensors


def pattern(name: str, length: int) -> bytes:
    return (name.encode() * (length // len(name) + 1))[:length]


def test_a_digest_is_that_of_the_tensors_own_bytes(write_safetensors: Callable[..., Path]) -> None:
    """Anyone can check it with safetensors and sha256."""
    file = write_safetensors({"wide": ("BF16", (3, 5)), "bias": ("F32", (2,))}, fill=pattern)

    assert {
        "bias": Tensor("F32", (2,), hashlib.sha256(pattern("bias", 8)).hexdigest()),
        "wide": Tensor("BF16", (3, 5), hashlib.sha256(pattern("wide", 30)).hexdigest()),
    } == digest_tensors(file.parent)


def test_it_depends_on_neither_order_nor_place_nor_metadata(
    write_safetensors: Callable[..., Path], tmp_path: Path
) -> None:
    """A checkpoint that is saved again in another order holds the same tensors."""
    shapes = {"a": ("F32", (2,)), "b": ("F16", (3,))}
    one = write_safetensors(shapes, fill=pattern, folder=tmp_path / "one")
    other = write_safetensors(
        dict(reversed(shapes.items())), metadata={"format": "pt"}, fill=pattern, folder=tmp_path / "other"
    )

    assert one.read_bytes() != other.read_bytes()
    assert digest_tensors(one.parent) == digest_tensors(other.parent)


def test_one_flipped_bit_changes_that_tensor_and_no_other(write_safetensors: Callable[..., Path]) -> None:
    """Else `120 of 272 changed` would mean nothing."""
    file = write_safetensors({"a": ("F32", (4,)), "b": ("F32", (4,)), "c": ("F32", (4,))}, fill=pattern)
    before = digest_tensors(file.parent)
    raw = bytearray(file.read_bytes())
    raw[-17] ^= 1  # the last byte of b
    file.write_bytes(raw)
    after = digest_tensors(file.parent)

    assert ["b"] == [name for name in before if before[name] != after[name]]


def test_the_shards_of_a_model_are_read_as_one(write_sharded: Callable[[], Path]) -> None:
    """How a model is cut into files is no part of what its tensors are."""
    zeros = hashlib.sha256(bytes(8)).hexdigest()

    assert {"a": Tensor("F32", (2,), zeros), "b": Tensor("F32", (2,), zeros)} == digest_tensors(
        write_sharded()
    )


def test_an_adapters_weights_have_a_name_of_their_own(write_safetensors: Callable[..., Path]) -> None:
    """peft's file is no model.safetensors."""
    file = write_safetensors({"lora_A": ("F32", (0, 4))}, name="adapter_model.safetensors")

    assert {"lora_A": Tensor("F32", (0, 4), hashlib.sha256(b"").hexdigest())} == digest_tensors(
        file.parent, "adapter_model"
    )


def test_a_tensor_larger_than_the_piece_that_is_held_takes_no_more_memory(
    write_safetensors: Callable[..., Path],
) -> None:
    """Gemma-3's embedding alone is 2 GB; it is read a piece at a time, and the progress adds up to the tensors."""
    file = write_safetensors({"big": ("U8", (13, 1 << 20)), "end": ("U8", (3,))}, fill=pattern)
    heard: list[int] = []
    tracemalloc.start()
    found = digest_tensors(file.parent, on_bytes=heard.append)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert hashlib.sha256(pattern("big", 13 << 20)).hexdigest() == found["big"].sha256
    assert [13 << 20, 3] == heard
    assert peak < 6 << 20


def test_damaged_weights_are_refused(write_safetensors: Callable[..., Path]) -> None:
    """A digest of half a tensor would be published as that of the whole."""
    file = write_safetensors({"a": ("F32", (4,))})
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(HubpubError) as caught:
        digest_tensors(file.parent)

    assert "HP-W01" == caught.value.code


def test_an_index_that_names_a_missing_shard_is_refused(tmp_path: Path) -> None:
    """The same words as wherever weights are read."""
    (tmp_path / "model.safetensors.index.json").write_text(
        json.dumps({"weight_map": {"a": "model-00001-of-00001.safetensors"}})
    )
    with pytest.raises(HubpubError) as caught:
        digest_tensors(tmp_path)

    assert "HP-W02" == caught.value.code
