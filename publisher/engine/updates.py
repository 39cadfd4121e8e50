"""What becomes of one weight in a merge, some rows at a time: folded in, replaced, or taken through 4 bits first."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from publisher.engine import nf4_kernel, sum_kernel
from publisher.engine.nf4_tensor import quantize_flat, read_pieces
from publisher.weights.header import Header, TensorEntry
from publisher.weights.lora import Adapter, LoraPair


@dataclass(frozen=True)
class RoundTrip:
    """The base's weights as a QLoRA adapter saw them: through NF4 and back. `dtype`: what they are loaded as."""

    dtype: str
    double_quant: bool


@dataclass(frozen=True)
class Update:
    """What one tensor of the base is made into; at least one of the three is there.

    Attributes:
        pair: LoRA matrices to fold in.
        saved: a tensor of the adapter that takes its place.
        round_trip: taken through 4 bits before anything is added.
    """

    pair: LoraPair | None = None
    saved: TensorEntry | None = None
    round_trip: RoundTrip | None = None


def rows_of(entry: TensorEntry) -> tuple[int, int]:
    """A tensor as a matrix: rows, and elements of each."""
    rows = entry.shape[0] if entry.shape else 1
    return rows, math.prod(entry.shape[1:])


class Products(threading.local):
    """Memory of each thread for one product after the other: fresh memory would have to be cleared page by page."""

    def __init__(self) -> None:
        import torch

        self._held = torch.empty(0)

    def room(self, rows: int, columns: int) -> Any:
        """Float32 of any values; the thread's next one takes its place."""
        import torch

        if self._held.numel() < rows * columns:
            self._held = torch.empty(rows * columns)
        return self._held[: rows * columns].view(rows, columns)


class Updating:
    """One tensor being updated: holds the adapter's matrices, and where asked for its 4-bit codes."""

    def __init__(self, shard: Header, entry: TensorEntry, update: Update, adapter: Adapter) -> None:
        self._entry, self._update, self._adapter = entry, update, adapter
        if update.pair is not None:
            self._down, self._up = (_read(adapter, half) for half in (update.pair.down, update.pair.up))
        self._codes = None if update.round_trip is None else _Codes(shard, entry, update.round_trip)

    def rows(
        self, content: bytearray | memoryview, first: int, last: int, products: Products
    ) -> tuple[bool, bool]:
        """Turn the base's bytes of the rows `first` to `last` into what they become. Threads may do so side by side.

        Returns:
            Whether any differs; whether all values are finite.
        """
        import torch

        dtype = getattr(torch, self._entry.torch_dtype)
        weight = torch.frombuffer(content, dtype=dtype).view(last - first, -1)
        if self._update.saved is not None:
            old = weight.clone()
            weight.copy_(_read(self._adapter, self._update.saved, first, last).view(weight.shape))
            return not torch.equal(old, weight), bool(torch.isfinite(weight).all())
        if self._codes is not None:
            old = weight.clone()
            weight.copy_(self._codes.rows(first, last).view(weight.shape))
        if (pair := self._update.pair) is None:
            return not torch.equal(old, weight), True
        update = torch.matmul(
            self._up[first:last], self._down, out=products.room(last - first, self._down.shape[1])
        )
        if pair.magnitude is None and dtype == torch.bfloat16 and sum_kernel.available():
            bits = weight.view(torch.uint16).numpy().reshape(-1)
            return sum_kernel.add(bits, update.numpy().reshape(-1), pair.scale)
        # As peft does it: the sum is float32 and rounded once. Two roundings differ in 7% of the elements.
        old = weight.clone()
        update *= pair.scale
        if pair.magnitude is None:
            weight += update
        else:
            total = weight + update
            length = torch.linalg.norm(total, dim=1).to(total.dtype)
            magnitude = _read(self._adapter, pair.magnitude, first, last).view(-1)
            weight.copy_((magnitude / length).view(-1, 1) * total)
        return not torch.equal(old, weight), bool(torch.isfinite(weight).all())


class _Codes:
    """A weight in 4 bits, whole: a quarter of its size, since the scales' own quantization needs all of them."""

    def __init__(self, shard: Header, entry: TensorEntry, trip: RoundTrip) -> None:
        import torch
        from bitsandbytes import functional

        codes, scales = zip(*self._quantized(shard, entry, trip), strict=True)
        self._codes, self._scales = torch.cat(codes), torch.cat(scales)
        if trip.double_quant:
            offset = self._scales.mean()
            absmax, state = functional.quantize_blockwise(self._scales - offset, blocksize=256)
            self._scales = functional.dequantize_blockwise(absmax, state) + offset
        self._width = rows_of(entry)[1]
        self._dtype = getattr(torch, trip.dtype)

    def rows(self, first: int, last: int) -> Any:
        """The values of some rows, flat; blocks that reach over them are cut."""
        import torch

        block = nf4_kernel.BLOCK
        start, stop = first * self._width, last * self._width
        low, high = start // block, -(-stop // block)
        count = min(high * block, 2 * self._codes.numel()) - low * block
        values = torch.ops.bitsandbytes.dequantize_4bit.default(
            self._codes[low * block // 2 : high * block // 2].view(-1, 1),
            self._scales[low:high],
            block,
            "nf4",
            (1, count),
            self._dtype,
        )
        return values.reshape(-1)[start - low * block : stop - low * block]

    @staticmethod
    def _quantized(shard: Header, entry: TensorEntry, trip: RoundTrip) -> Iterator[tuple[Any, Any]]:
        for piece in read_pieces(shard, entry, trip.dtype):
            codes, absmax, _ = quantize_flat(piece)
            yield codes, absmax


def _read(adapter: Adapter, entry: TensorEntry, first: int = 0, last: int | None = None) -> Any:
    """Rows of one tensor of the adapter in float32, which is what peft computes with."""
    import torch

    rows, width = rows_of(entry)
    last = rows if last is None else last
    row_bytes = (entry.stop - entry.start) // rows
    with adapter.header.file.open("rb") as stream:
        stream.seek(entry.start + first * row_bytes)
        raw = bytearray(stream.read((last - first) * row_bytes))
    found = torch.frombuffer(raw, dtype=getattr(torch, entry.torch_dtype)).float()
    return found.view(last - first, width) if len(entry.shape) > 1 else found
