"""What safetensors headers say, read without loading a tensor; a damaged one is described, not raised.

`publisher.weights` proves headers and stops at the first fault; a report needs all of them, and of any file.
Format: 8 bytes length (little-endian), that many bytes of JSON, then the tensors without gaps
(https://github.com/huggingface/safetensors, "Format").
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from publisher.checks.source import Entry, Source
from publisher.records.facts import Json
from publisher.weights.header import BITS, LONGEST_HEADER_BYTES

LFS_POINTER = b"version https://git-lfs.github.com/spec/"
ADAPTER_WEIGHTS = "adapter_model.safetensors"


@dataclass(frozen=True)
class Tensor:
    """One tensor's entry: dtype as safetensors spells it, shape, and its bytes in the file's data part."""

    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int


@dataclass(frozen=True)
class Header:
    """A safetensors file: its tensors, and every fault that was found in the header."""

    path: str
    tensors: Mapping[str, Tensor]
    metadata: Mapping[str, Json]
    faults: tuple[str, ...] = ()
    pointer: bool = False  # a Git LFS pointer lies in the file's place


@dataclass(frozen=True)
class Headers:
    """The headers of all safetensors files of a repo."""

    files: tuple[Header, ...]


@dataclass(frozen=True)
class AdapterTensors:
    """The header of `adapter_model.safetensors`, which has no faults."""

    header: Header


def read_header(source: Source, entry: Entry) -> Header:
    """Read one file's header, whatever state it is in.

    Raises:
        OSError: the file cannot be read.
    """
    head = source.read(entry.path, limit=max(8, len(LFS_POINTER)))
    if head.startswith(LFS_POINTER):
        return Header(entry.path, {}, {}, pointer=True)
    if len(head) < 8:
        return _broken(entry, f"the file has {entry.size} bytes; a header alone needs more")
    length = int.from_bytes(head[:8], "little")
    if length > LONGEST_HEADER_BYTES or length + 8 > entry.size:
        return _broken(entry, f"the header claims {length:,} bytes; the file has {entry.size:,}")
    raw = source.read(entry.path, start=8, limit=length)
    try:
        data = json.loads(raw.decode("utf-8"), object_pairs_hook=_no_duplicates)
    except (ValueError, RecursionError) as error:
        return _broken(entry, f"the header is not JSON ({type(error).__name__})")
    if not isinstance(data, dict):
        return _broken(entry, "the header is not a mapping of names to tensors")
    metadata = data.pop("__metadata__", None)
    faults: list[str] = []
    tensors: dict[str, Tensor] = {}
    for name, value in data.items():
        tensor = _tensor(value)
        if tensor is None:
            faults.append(f"the entry of `{name}` is malformed")
        else:
            tensors[name] = tensor
    if not faults:
        faults += _layout(tensors, entry.size - 8 - length)
    return Header(entry.path, tensors, metadata if isinstance(metadata, dict) else {}, tuple(faults))


def _broken(entry: Entry, fault: str) -> Header:
    return Header(entry.path, {}, {}, (fault,))


def _no_duplicates(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("duplicate name")
    return found


def _tensor(value: Json) -> Tensor | None:
    if not isinstance(value, dict):
        return None
    dtype, shape, offsets = value.get("dtype"), value.get("shape"), value.get("data_offsets")
    if not (isinstance(dtype, str) and isinstance(shape, list) and isinstance(offsets, list)):
        return None
    if len(offsets) != 2 or not all(
        type(number) is int and 0 <= number < 2**63 for number in shape + offsets
    ):
        return None
    return Tensor(dtype, tuple(shape), offsets[0], offsets[1])


def _layout(tensors: Mapping[str, Tensor], data_bytes: int) -> list[str]:
    """Whether each tensor has the bytes that its shape needs, and all together fill the file without gaps."""
    faults: list[str] = []
    position = 0
    for name, tensor in sorted(tensors.items(), key=lambda item: (item[1].start, item[1].end)):
        if tensor.start != position or tensor.end < tensor.start:
            where = f"lies at bytes {tensor.start:,} to {tensor.end:,}"
            return [f"`{name}` {where}, expected to start at {position:,}"]
        position = tensor.end
        needed = _bytes_needed(tensor)
        if needed is not None and needed != tensor.end - tensor.start:
            what = f"{tensor.dtype} of shape {list(tensor.shape)[:8]}"
            faults.append(f"`{name}` has {tensor.end - tensor.start:,} bytes, which is not what {what} takes")
    if position > data_bytes:
        faults.append(f"the file ends {position - data_bytes:,} bytes early")
    elif position < data_bytes:
        faults.append(f"{data_bytes - position:,} bytes at the end belong to no tensor")
    return faults


def _bytes_needed(tensor: Tensor) -> int | None:
    """Bytes that dtype and shape need; None for a dtype that is not known here."""
    bits = BITS.get(tensor.dtype)
    if bits is None:
        return None
    for size in tensor.shape:
        bits *= size
        if bits > 2**70:  # more than any file holds: no need to multiply on
            return -1
    return -1 if bits % 8 else bits // 8
