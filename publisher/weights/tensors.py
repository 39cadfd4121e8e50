"""The digest of each tensor of a model, from the bytes of its safetensors files. One pass, a few megabytes of memory."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

from publisher.records.changes import Tensor
from publisher.weights.header import Header, TensorEntry
from publisher.weights.shards import read_shards

PIECE = 1 << 22


def digest_tensors(
    folder: Path, stem: str = "model", on_bytes: Callable[[int], None] | None = None
) -> dict[str, Tensor]:
    """Hash every tensor of the model in a folder; `stem` and its errors are those of `read_shards`.

    The digest is of the bytes alone, so equal weights under another type or shape differ by these.

    Raises:
        HubpubError: HP-B04 there are no weights; HP-W01, HP-W02, HP-W03 for what is wrong with them.
    """
    found: dict[str, Tensor] = {}
    for shard in read_shards(folder, stem).shards:
        for tensor, sha256 in _digests(shard, on_bytes):
            found[tensor.name] = Tensor(tensor.dtype, tensor.shape, sha256)
    return dict(sorted(found.items()))


def _digests(shard: Header, on_bytes: Callable[[int], None] | None) -> Iterator[tuple[TensorEntry, str]]:
    piece = memoryview(bytearray(PIECE))
    with shard.file.open("rb", buffering=0) as stream:
        for tensor in sorted(shard.tensors.values(), key=lambda tensor: tensor.start):
            sha = hashlib.sha256()
            stream.seek(tensor.start)
            left = tensor.stop - tensor.start
            while left and (count := stream.readinto(piece[: min(left, PIECE)])):
                sha.update(piece[:count])
                left -= count
            if on_bytes is not None:
                on_bytes(tensor.stop - tensor.start)
            yield tensor, sha.hexdigest()
