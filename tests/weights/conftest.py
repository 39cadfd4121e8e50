"""Safetensors files written by hand: the format is small enough, and no library mends our mistakes."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

BYTES = {"F32": 4, "BF16": 2, "F16": 2, "U8": 1}
Shapes = Mapping[str, tuple[str, tuple[int, ...]]]
Fill = Callable[[str, int], bytes]


def safetensors_bytes(
    tensors: Shapes, metadata: dict[str, str] | None = None, fill: Fill | None = None
) -> bytes:
    """A safetensors file of the given types and shapes, zeros unless `fill(name, length)` says otherwise."""
    header: dict[str, object] = {} if metadata is None else {"__metadata__": metadata}
    body = b""
    for name, (dtype, shape) in tensors.items():
        length = BYTES[dtype] * math.prod(shape)
        header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [len(body), len(body) + length]}
        body += fill(name, length) if fill else bytes(length)
    raw = json.dumps(header).encode()
    return len(raw).to_bytes(8, "little") + raw + body


@pytest.fixture
def write_safetensors(tmp_path: Path) -> Callable[..., Path]:
    """Write one file: `write_safetensors({"w": ("F32", (2, 3))}, metadata=…, fill=…, name="model.safetensors")`."""

    def write(
        tensors: Shapes, *, name: str = "model.safetensors", folder: Path = tmp_path, **options
    ) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(safetensors_bytes(tensors, **options))
        return folder / name

    return write


@pytest.fixture
def write_sharded(tmp_path: Path) -> Callable[[], Path]:
    """Write a model of two shards with their index; returns the folder."""

    def write() -> Path:
        names = {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}
        for tensor, name in names.items():
            (tmp_path / name).write_bytes(safetensors_bytes({tensor: ("F32", (2,))}))
        (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": names}))
        return tmp_path

    return write
