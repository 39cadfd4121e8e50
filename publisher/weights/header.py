"""The header of one safetensors file: what is in it, where, in which type. Reads a few kilobytes, runs nothing.

Format: 8 bytes little-endian length, that many bytes of JSON, then the tensors' bytes without gaps
(https://github.com/huggingface/safetensors#format).
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from publisher.errors import HubpubError

LONGEST_HEADER_BYTES = 100_000_000  # the library's own limit

BITS: dict[str, int] = {
    "BOOL": 8, "U8": 8, "I8": 8, "F8_E4M3": 8, "F8_E5M2": 8, "F8_E8M0": 8,
    "U16": 16, "I16": 16, "F16": 16, "BF16": 16,
    "U32": 32, "I32": 32, "F32": 32,
    "U64": 64, "I64": 64, "F64": 64,
    "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6,
}  # fmt: skip

# What torch calls the types that weights come in.
TORCH_NAMES: dict[str, str] = {
    "F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16",
    "I64": "int64", "I32": "int32", "I16": "int16", "I8": "int8", "U8": "uint8", "BOOL": "bool",
}  # fmt: skip


@dataclass(frozen=True)
class TensorEntry:
    """One tensor: its type as safetensors names it, its shape, and its bytes' place in the file."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    start: int  # offset from the beginning of the FILE
    stop: int

    @property
    def elements(self) -> int:
        """Number of elements; 1 for a scalar."""
        return math.prod(self.shape)

    @property
    def torch_dtype(self) -> str:
        """The type as torch names it: `bfloat16`."""
        return TORCH_NAMES.get(self.dtype, self.dtype.lower())


@dataclass(frozen=True)
class Header:
    """Everything a safetensors file says about itself."""

    file: Path
    size_bytes: int
    tensors: Mapping[str, TensorEntry]
    metadata: Mapping[str, str]


def read_header(file: Path) -> Header:
    """Read and prove the header of a safetensors file.

    Proven: the length fits the file, the JSON is of the format, every tensor's bytes have the size that type
    and shape ask for, and they lie behind one another without gap or overlap up to the file's last byte.

    Raises:
        HubpubError: HP-W01 with `missing_bytes` where the file is too short.
    """
    size = file.stat().st_size
    with file.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        if size < 8 or length > min(size - 8, LONGEST_HEADER_BYTES):
            raise _damaged(file, "its header does not fit into it", missing_bytes=max(0, 8 + length - size))
        raw = stream.read(length)
    try:
        content = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise _damaged(file, "its header is not JSON") from error
    if not isinstance(content, dict):
        raise _damaged(file, "its header is not a JSON object")
    metadata = content.pop("__metadata__", {})
    if not isinstance(metadata, dict):
        raise _damaged(file, "its metadata is not a JSON object")
    tensors = [_entry(file, name, entry, 8 + length) for name, entry in content.items()]
    end = 8 + length
    for tensor in sorted(tensors, key=lambda tensor: (tensor.start, tensor.stop)):
        if tensor.start != end:
            raise _damaged(file, f"there is a gap or an overlap before {tensor.name}", tensor=tensor.name)
        end = tensor.stop
    if end > size:
        raise _damaged(file, f"it ends {end - size:,} bytes early", missing_bytes=end - size)
    if end < size:
        raise _damaged(
            file, f"{size - end:,} bytes behind its last tensor belong to nothing", extra_bytes=size - end
        )
    return Header(file, size, {tensor.name: tensor for tensor in tensors}, metadata)


def _entry(file: Path, name: str, entry: Any, offset: int) -> TensorEntry:
    try:
        dtype, shape = entry["dtype"], tuple(entry["shape"])
        start, stop = entry["data_offsets"]
        # before anything is multiplied: a text times a large number is a large text
        whole = all(isinstance(number, int) and number >= 0 for number in (*shape, start, stop))
        bits = BITS[dtype] * math.prod(shape) if whole else -1
    except (KeyError, TypeError, ValueError) as error:
        raise _damaged(file, f"the entry of {name} is not of the format", tensor=name) from error
    if not whole or 8 * (stop - start) != bits:
        raise _damaged(file, f"{name} has another length than its shape and type ask for", tensor=name)
    return TensorEntry(name, dtype, shape, offset + start, offset + stop)


def _damaged(file: Path, how: str, **data: Any) -> HubpubError:
    return HubpubError(
        "HP-W01",
        f"{file.name} is damaged: {how}",
        hint=f"copy or download {file.name} again, then run the same command",
        where=str(file),
        **data,
    )
