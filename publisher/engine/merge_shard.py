"""One shard of a merge: the base's bytes in their order, slices of adapted tensors computed while others are written.

Reading, computing and writing overlap. A slice is small enough for the caches of a core, and each core has one of its
own; memory holds a few of them and the pieces that are on their way to the disk.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

from publisher.engine.updates import Products, Update, Updating, rows_of
from publisher.errors import HubpubError
from publisher.weights.ahead import ahead
from publisher.weights.header import Header, TensorEntry
from publisher.weights.lora import Adapter
from publisher.weights.written import written

SLICE_BYTES = 1_000_000  # of the base's tensor; its update in float32 takes twice as much
SLICES_AHEAD = 12  # made before what stands in front of them in the file is written


@dataclass(frozen=True)
class _Slice:
    """Some rows of a tensor that is updated: `first` to `last`, at `start` to `stop` in the file."""

    updating: Updating
    tensor: TensorEntry
    first: int
    last: int
    start: int
    stop: int


@dataclass(frozen=True)
class _Made:
    """A slice with its new bytes, which lie at the beginning of a room."""

    of: _Slice
    room: bytearray
    differs: bool

    @property
    def content(self) -> memoryview:
        return memoryview(self.room)[: self.of.stop - self.of.start]


def write_shard(shard: Header, target: Path, updates: Mapping[str, Update], adapter: Adapter) -> set[str]:
    """Write a shard with its tensors updated; returns the names of those that differ from the base's.

    Raises:
        HubpubError: HP-E05, a merged weight is not finite.
        OSError: the disk is full.
    """
    changed, at = set(), 0
    # Used over and over: fresh memory costs more than what is done in it. One more than there are slices at a time.
    rooms: SimpleQueue[bytearray] = SimpleQueue()
    products = Products()
    for _ in range(SLICES_AHEAD + 1):
        rooms.put(bytearray())
    with (
        shard.file.open("rb", buffering=0) as source,
        written(target, shard.size_bytes) as sink,
        _cores() as pool,
    ):

        def make(piece: _Slice) -> _Made:
            size = piece.stop - piece.start
            room = held if len(held := rooms.get()) >= size else bytearray(size)
            content = memoryview(room)[:size]
            os.preadv(source.fileno(), [content], piece.start)
            differs, finite = piece.updating.rows(content, piece.first, piece.last, products)
            if not finite:
                raise _not_finite(piece.tensor, adapter)
            return _Made(piece, room, differs)

        for made in ahead(pool, make, _slices(shard, updates, adapter), most=SLICES_AHEAD):
            sink.copy(source, at, made.of.start - at)
            sink.write(made.content)
            rooms.put(made.room)
            at = made.of.stop
            if made.differs:
                changed.add(made.of.tensor.name)
        sink.copy(source, at, shard.size_bytes - at)
    return changed


def _slices(shard: Header, updates: Mapping[str, Update], adapter: Adapter) -> Iterator[_Slice]:
    """The updated tensors in the order of the file, cut into whole rows."""
    for tensor in sorted(shard.tensors.values(), key=lambda tensor: tensor.start):
        if tensor.name not in updates:
            continue
        rows, _ = rows_of(tensor)
        row_bytes = (tensor.stop - tensor.start) // rows
        step = max(1, SLICE_BYTES // row_bytes)
        updating = Updating(shard, tensor, updates[tensor.name], adapter)
        for first in range(0, rows, step):
            last = min(first + step, rows)
            start, stop = (tensor.start + row * row_bytes for row in (first, last))
            yield _Slice(updating, tensor, first, last, start, stop)


@contextmanager
def _cores() -> Iterator[ThreadPoolExecutor]:
    """A thread for each core, in which torch starts no others: a slice is too small to be shared out."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with ThreadPoolExecutor(before) as pool:
            yield pool
    finally:
        torch.set_num_threads(before)


def _not_finite(tensor: TensorEntry, adapter: Adapter) -> HubpubError:
    return HubpubError(
        "HP-E05",
        f"{tensor.name} is not finite after merging",
        hint="base or adapter hold values beyond the base's type: check both",
        where=str(adapter.folder),
        tensor=tensor.name,
    )
