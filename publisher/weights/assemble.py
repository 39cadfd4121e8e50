"""Write a safetensors file from tensors that lie in other files already, byte for byte as the library writes it.

The library orders tensors by their type, the widest first, then by name, and pads the header to eight bytes
(https://github.com/huggingface/safetensors#format).
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from publisher.weights.copying import copy_range

# The library's own order of types, lowest first; measured with 0.8.0.
_TYPES = ("BOOL", "F4", "F6_E2M3", "F6_E3M2", "U8", "I8", "F8_E5M2", "F8_E4M3", "F8_E8M0", "I16", "U16",
          "F16", "BF16", "I32", "U32", "F32", "C64", "F64", "I64", "U64")  # fmt: skip


@dataclass(frozen=True)
class Part:
    """One tensor of the new file, and where its bytes lie now: `file` from `start` to `stop`."""

    name: str
    dtype: str  # as safetensors names it
    shape: tuple[int, ...]
    file: Path
    start: int
    stop: int


def assemble(parts: Iterable[Part], out: Path, metadata: Mapping[str, str]) -> None:
    """Write the file, flushed to the disk; memory holds the header only.

    Raises:
        OSError: the disk is full, or a source file is shorter than its parts say.
    """
    ordered = sorted(parts, key=lambda part: (-_TYPES.index(part.dtype), part.name))
    header = encode_header(ordered, metadata)
    with out.open("wb", buffering=0) as sink:
        sink.write(len(header).to_bytes(8, "little") + header)
        at = 8 + len(header)
        for part in ordered:
            with part.file.open("rb", buffering=0) as source:
                copy_range(source, part.start, sink, at, part.stop - part.start)
            at += part.stop - part.start
        os.fsync(sink.fileno())
    out.chmod(0o644)


def encode_header(ordered: Iterable[Part], metadata: Mapping[str, str]) -> bytes:
    """The header for parts in the order in which their bytes follow one another."""
    content: dict[str, object] = {"__metadata__": dict(metadata)}
    at = 0
    for part in ordered:
        length = part.stop - part.start
        content[part.name] = {
            "dtype": part.dtype,
            "shape": list(part.shape),
            "data_offsets": [at, at + length],
        }
        at += length
    raw = json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode()
    return raw + b" " * (-len(raw) % 8)
