"""What a model's numbers are: NaN, infinities and whole weights of zeros, told from their bytes, piece by piece.

A few megabytes are read by any check; more with `--deep` only, and never more than a piece at a time is in memory.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from publisher.checks.observe.depth import Depth
from publisher.checks.observe.target import Absent, RepoView
from publisher.checks.observe.tensors import ADAPTER_WEIGHTS, Header, Headers, Tensor
from publisher.checks.observe.values import has_broken
from publisher.checks.source import Source

SAMPLE_BYTES = 64 * 1024 * 1024  # of a model's numbers that are read without --deep
_PIECE = 16 * 1024 * 1024  # bytes; a multiple of every width
_WIDE = frozenset({"F64", "F32", "BF16", "F16"})
# Eight bits: E4M3 has no infinities, in E5M2 all five bits of the exponent are set, E8M0 is an exponent only.
_NARROW: Mapping[str, bytes] = {
    "F8_E4M3": b"\x7f\xff",
    "F8_E5M2": b"\x7c\x7d\x7e\x7f\xfc\xfd\xfe\xff",
    "F8_E8M0": b"\xff",
}


@dataclass(frozen=True)
class FileValues:
    """Of one file: names of tensors with a NaN or an infinity, and of those that are all zero."""

    path: str
    broken: tuple[str, ...]
    zero: tuple[str, ...]


@dataclass(frozen=True)
class ModelValues:
    """Of every safetensors file that is no adapter."""

    files: tuple[FileValues, ...]

    @classmethod
    def observe(cls, view: RepoView) -> ModelValues | Absent:
        """Read every floating-point number."""
        headers, depth = view.observe(Headers), view.observe(Depth)
        if isinstance(headers, Absent):
            return headers
        sound = [h for h in headers.files if not h.faults and not h.pointer and h.path != ADAPTER_WEIGHTS]
        if not sound:
            return Absent("no model weights", missing=True)
        if not view.source.near:
            return Absent("a check downloads no weights, so nobody looked at the model's numbers")
        total = sum(tensor.end - tensor.start for header in sound for tensor in _floats(header).values())
        deep = not isinstance(depth, Absent) and depth.everything
        if total > SAMPLE_BYTES and not deep:
            return Absent(f"the model's numbers, {total / 10**9:,.1f} GB, are read with --deep")
        try:
            return cls(tuple(_file(view.source, header) for header in sound))
        except OSError as error:
            return Absent(f"the weights cannot be read: {error.strerror}")


def _floats(header: Header) -> dict[str, Tensor]:
    known = _WIDE | _NARROW.keys()
    return {name: t for name, t in header.tensors.items() if t.dtype in known and t.end > t.start}


def _file(source: Source, header: Header) -> FileValues:
    data = 8 + int.from_bytes(source.read(header.path, limit=8), "little")
    broken, zero = [], []
    for name, tensor in _floats(header).items():
        blank = True
        for start in range(tensor.start, tensor.end, _PIECE):
            raw = source.read(header.path, start=data + start, limit=min(_PIECE, tensor.end - start))
            if raw.count(0) == len(raw):
                continue
            blank = False
            if is_broken(raw, tensor.dtype):
                broken.append(name)
                break
        if blank:
            zero.append(name)
    return FileValues(header.path, tuple(broken), tuple(zero))


def is_broken(raw: bytes, dtype: str) -> bool:
    """Whether any number is NaN or infinite.

    Args:
        raw: little-endian numbers, whole ones.
        dtype: a floating-point type as safetensors names it.
    """
    if dtype in _NARROW:
        return len(raw.translate(None, _NARROW[dtype])) != len(raw)
    return has_broken(raw, dtype)
