"""One weight as bitsandbytes stores it in 4 bits, made piece by piece and put into a spool."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

from publisher.engine import nf4_kernel
from publisher.errors import HubpubError
from publisher.weights.assemble import Part
from publisher.weights.header import Header, TensorEntry

PIECE = 1 << 20  # weights that are in memory at a time; a multiple of every block


@dataclass(frozen=True)
class Spool:
    """A file that tensors are appended to, in the order in which they become known."""

    stream: BinaryIO

    def put(self, name: str, dtype: str, shape: tuple[int, ...], pieces: Iterator[Any]) -> Part:
        """Append a tensor's bytes."""
        start = self.stream.tell()
        for piece in pieces:
            self.stream.write(piece)
        return _part(name, dtype, shape, self.stream, start)


def quantize_tensor(
    spool: Spool, shard: Header, entry: TensorEntry, dtype: str, *, double_quant: bool
) -> list[Part]:
    """Quantize one weight; returns the parts that `bitsandbytes.nn.Linear4bit` is saved as.

    Args:
        spool: takes the bytes.
        shard: the file that the weight lies in.
        entry: the weight, of shape (out, in).
        dtype: torch's name of the type that it is loaded as, which 4-bit layers compute back to.
        double_quant: quantize the block scales to 8 bits too.

    Raises:
        HubpubError: HP-E05, a weight is NaN or infinite.
    """
    import torch
    from bitsandbytes import functional

    packed, scales = [], []
    start = spool.stream.tell()
    for piece in read_pieces(shard, entry, dtype):
        codes, absmax, finite = quantize_flat(piece)
        if not finite:
            raise HubpubError(
                "HP-E05",
                f"{entry.name} holds NaN or infinite values",
                hint="make the model again: such weights answer nonsense in every precision",
                where=str(shard.file),
                tensor=entry.name,
            )
        spool.stream.write(codes.numpy().data)
        packed.append(codes.numel())
        scales.append(absmax)
    parts = [_part(entry.name, "U8", (sum(packed), 1), spool.stream, start)]
    absmax = torch.cat(scales)
    state: dict[str, Any] = {
        "shape": torch.Size(entry.shape),
        "dtype": getattr(torch, dtype),
        "blocksize": nf4_kernel.BLOCK,
        "code": functional.get_4bit_type("nf4", device="cpu"),
        "quant_type": "nf4",
    }
    if double_quant:
        # The mean runs over all scales at once: torch's sum of parts is not the sum of the whole to the last bit.
        offset = absmax.mean()
        absmax, second = functional.quantize_blockwise(absmax - offset, blocksize=256)
        state |= {"offset": offset, "state2": second}
    stored = functional.QuantState(absmax=absmax, **state).as_dict(packed=True)
    for name, tensor in stored.items():
        kind = "F32" if tensor.dtype == torch.float32 else "U8"
        parts.append(
            spool.put(f"{entry.name}.{name}", kind, tuple(tensor.shape), iter([tensor.numpy().tobytes()]))
        )
    return parts


def read_pieces(shard: Header, entry: TensorEntry, dtype: str) -> Iterator[Any]:
    """A tensor in flat pieces, as the type that it is loaded as."""
    import torch

    width = (entry.stop - entry.start) // max(1, entry.elements)
    with shard.file.open("rb", buffering=0) as stream:
        stream.seek(entry.start)
        left = entry.elements
        while left:
            raw = bytearray(min(PIECE, left) * width)
            stream.readinto(raw)
            piece = torch.frombuffer(raw, dtype=getattr(torch, entry.torch_dtype))
            yield piece.to(getattr(torch, dtype))
            left -= len(raw) // width


def quantize_flat(piece: Any) -> tuple[Any, Any, bool]:
    """Quantize a flat tensor: packed codes (n / 2,), scales (n / 64,), and whether all of it is finite."""
    import torch

    whole = piece.numel() % nf4_kernel.BLOCK == 0
    if whole and nf4_kernel.available():
        raw = piece.view(torch.uint16) if piece.dtype == torch.bfloat16 else piece.float()
        codes, absmax, finite = nf4_kernel.quantize(raw.numpy(), _bounds())
        return torch.from_numpy(codes), torch.from_numpy(absmax), finite
    codes, absmax = torch.ops.bitsandbytes.quantize_4bit.default(piece, nf4_kernel.BLOCK, "nf4", torch.uint8)
    return codes.reshape(-1), absmax, bool(torch.isfinite(absmax).all())


@cache
def _bounds() -> Any:
    """The fifteen values between neighbouring codes, float32, as bitsandbytes computes them."""
    from bitsandbytes.functional import get_4bit_type

    code = get_4bit_type("nf4", device="cpu")
    return ((code[:-1] + code[1:]) / 2).numpy()


def _part(name: str, dtype: str, shape: tuple[int, ...], stream: BinaryIO, start: int) -> Part:
    return Part(name, dtype, shape, Path(stream.name), start, stream.tell())
