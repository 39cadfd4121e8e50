"""What the values of a stored tensor are worth, told from their bytes: no numpy, no torch, at the speed of a copy.

A float's sign and exponent stand in its highest byte (and, but for half precision, a bit of the next). A tensor is
read in pieces, and each piece is taken apart into its first, second, … bytes.
"""

from __future__ import annotations

from collections.abc import Iterator

from publisher.errors import HubpubError
from publisher.weights.header import Header

PIECE = 1 << 24  # bytes; a multiple of every width
_WIDTH = {"F32": 4, "BF16": 2, "F16": 2}
_HALF_WITHOUT_END = bytes(byte for byte in range(256) if byte & 0x7C == 0x7C)  # all exponent bits of a half
_ALL_EXPONENT_BITS = (0x7F, 0xFF)  # seven of the eight; the eighth is the next byte's highest bit


def all_finite(header: Header, name: str) -> bool:
    """Whether no value of a tensor is NaN or infinite.

    Raises:
        HubpubError: HP-A06, a type that is no float of ours.
    """
    dtype = header.tensors[name].dtype
    return all(_finite(planes, dtype) for planes in _planes(header, name))


def finite_piece(raw: bytes, dtype: str) -> bool:
    """Whether a piece of a tensor, in whole values, holds neither NaN nor infinity; true of types that have none.

    `dtype` is safetensors' name; packed and quantized types count as having none.
    """
    width = _WIDTH.get(dtype)
    return width is None or _finite([raw[byte::width] for byte in range(width)], dtype)


def _finite(planes: list[bytes], dtype: str) -> bool:
    high = planes[-1]
    if dtype == "F16":
        return len(high.translate(None, _HALF_WITHOUT_END)) == len(high)
    if not any(byte in high for byte in _ALL_EXPONENT_BITS):
        return True
    pairs = zip(high, planes[-2], strict=True)
    return not any(first in _ALL_EXPONENT_BITS and second & 0x80 for first, second in pairs)


def any_value(header: Header, name: str) -> bool:
    """Whether a tensor holds anything but zeros, of whichever sign.

    Raises:
        HubpubError: HP-A06, a type that is no float of ours.
    """
    return any(
        high.strip(b"\x00\x80") or any(plane.strip(b"\x00") for plane in low)
        for *low, high in _planes(header, name)
    )


def _planes(header: Header, name: str) -> Iterator[list[bytes]]:
    """A tensor's bytes piece by piece, the lowest byte of every value first, the highest last."""
    entry = header.tensors[name]
    width = _WIDTH.get(entry.dtype)
    if width is None:
        raise HubpubError(
            "HP-A06",
            f"{name} has the type {entry.dtype}, which cannot be read here",
            hint="save the adapter in float32, float16 or bfloat16",
            where=str(header.file),
            dtype=entry.dtype,
        )
    with header.file.open("rb") as stream:
        stream.seek(entry.start)
        left = entry.stop - entry.start
        while left:
            raw = stream.read(min(PIECE, left))
            left -= len(raw)
            yield [raw[byte::width] for byte in range(width)]
