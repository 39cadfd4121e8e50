"""What an adapter's numbers are, as far as their bytes say without arithmetic: zeros, NaN and infinities.

Little-endian floats: a number is NaN or infinite where all bits of its exponent are set, which its highest bytes show.
"""

from __future__ import annotations

from dataclasses import dataclass

from publisher.checks.observe.target import Absent, RepoView
from publisher.checks.observe.tensors import ADAPTER_WEIGHTS, AdapterTensors
from publisher.checks.source import Source

MAX_BYTES = 512 * 1024 * 1024  # of the file; what is larger is not read for this
_WIDTHS = {"F64": 8, "F32": 4, "BF16": 2, "F16": 2}


@dataclass(frozen=True)
class AdapterValues:
    """Names of tensors that are all zero, and of those that hold a NaN or an infinity."""

    zero: tuple[str, ...]
    broken: tuple[str, ...]

    @classmethod
    def observe(cls, view: RepoView) -> AdapterValues | Absent:
        """Read every floating-point tensor of the adapter, one at a time."""
        tensors = view.observe(AdapterTensors)
        if isinstance(tensors, Absent):
            return tensors
        if not view.source.near:
            return Absent("a check downloads no weights, so nobody looked at the adapter's numbers")
        known = {
            name: t for name, t in tensors.header.tensors.items() if t.dtype in _WIDTHS and t.end > t.start
        }
        if sum(tensor.end - tensor.start for tensor in known.values()) > MAX_BYTES:
            return Absent(
                f"{ADAPTER_WEIGHTS} is larger than {MAX_BYTES // 2**20} MB: its numbers were not read"
            )
        zero, broken = [], []
        try:
            first = _data_start(view.source)
            for name, tensor in known.items():
                raw = view.source.read(
                    ADAPTER_WEIGHTS, start=first + tensor.start, limit=tensor.end - tensor.start
                )
                if is_zero(raw, tensor.dtype):
                    zero.append(name)
                elif has_broken(raw, tensor.dtype):
                    broken.append(name)
        except OSError as error:
            return Absent(f"{ADAPTER_WEIGHTS} cannot be read: {error.strerror}")
        return cls(tuple(zero), tuple(broken))


def is_zero(raw: bytes, dtype: str) -> bool:
    """Whether all numbers are zero; a zero may have a sign.

    Args:
        raw: little-endian numbers.
        dtype: F64, F32, BF16 or F16.
    """
    width = _WIDTHS[dtype]
    return raw.count(0) + raw[width - 1 :: width].count(0x80) == len(raw)


def has_broken(raw: bytes, dtype: str) -> bool:
    """Whether any number is NaN or infinite.

    Args:
        raw: little-endian numbers.
        dtype: F64, F32, BF16 or F16.
    """
    width = _WIDTHS[dtype]
    top, below = raw[width - 1 :: width], raw[width - 2 :: width]
    if dtype == "F16":  # one bit of sign, five of exponent
        return any(byte in top for byte in (0x7C, 0x7D, 0x7E, 0x7F, 0xFC, 0xFD, 0xFE, 0xFF))
    least = 0xF0 if dtype == "F64" else 0x80  # what the second byte holds of the exponent
    for byte in (0x7F, 0xFF):
        position = top.find(byte)
        while position != -1:
            if below[position] >= least:
                return True
            position = top.find(byte, position + 1)
    return False


def _data_start(source: Source) -> int:
    return 8 + int.from_bytes(source.read(ADAPTER_WEIGHTS, limit=8), "little")
