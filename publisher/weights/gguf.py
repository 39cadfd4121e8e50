"""The beginning of a GGUF file: its version, how much is in it, and its general metadata.

Format: `GGUF`, version (u32), number of tensors (u64), number of metadata entries (u64), then the entries: a key, a
type (u32), a value (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md). Only version 2 and 3, little-endian.
Works on the first bytes of a file, whatever they claim: nothing larger than those is ever made.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

MAGIC = b"GGUF"
HEAD_BYTES = 1024 * 1024  # general metadata stand first; vocabularies of many megabytes follow them

_MOST_ENTRIES = 100_000
_MOST_DIMENSIONS = 4  # the format's own limit
_LONGEST_KEY = 65_535  # bytes, the format's own limit
_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9
_ALIGNMENT = 32  # of the tensors' bytes, unless the metadata say otherwise
# Weights and bytes of a block, by type: https://github.com/ggml-org/ggml/blob/master/src/ggml.c
BLOCKS = {
    0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34), 9: (32, 40),
    10: (256, 84), 11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210), 15: (256, 292),
    16: (256, 66), 17: (256, 74), 18: (256, 98), 19: (256, 50), 20: (32, 18), 21: (256, 110), 22: (256, 82),
    23: (256, 136), 24: (1, 1), 25: (1, 2), 26: (1, 4), 27: (1, 8), 28: (1, 8), 29: (256, 56), 30: (1, 2),
    34: (256, 54), 35: (256, 66), 39: (32, 17), 40: (64, 36), 41: (128, 18),
}  # fmt: skip


class GgufError(Exception):
    """The bytes are no GGUF header; the message says why."""


@dataclass(frozen=True)
class GgufHeader:
    """What the head of a file says.

    Attributes:
        metadata: scalars and texts; `lengths`: of lists, how many entries they have.
        whole: all metadata were read; else the head ended before them.
        listed: the list of tensors behind them too.
        ends: bytes that the file must have for its last tensor; None where that is not listed, or of a type that
            is not known here.
    """

    version: int
    tensors: int
    entries: int
    metadata: Mapping[str, str | int | float | bool] = field(default_factory=dict)
    whole: bool = False
    lengths: Mapping[str, int] = field(default_factory=dict)
    listed: bool = False
    ends: int | None = None

    def text(self, key: str) -> str | None:
        """A text under a key."""
        value = self.metadata.get(key)
        return value if isinstance(value, str) else None

    def number(self, key: str) -> int | None:
        """A whole number under a key; None for a list of them."""
        value = self.metadata.get(key)
        return value if isinstance(value, int) and not isinstance(value, bool) else None


def read_gguf(head: bytes) -> GgufHeader:
    """Read as much as the bytes hold.

    Args:
        head: the first bytes of a file, at most a few megabytes.

    Raises:
        GgufError: it is no GGUF file, or its metadata cannot be what the format allows.
    """
    if not head.startswith(MAGIC):
        raise GgufError("it does not begin with GGUF")
    if len(head) < 24:
        raise GgufError("it ends inside its header")
    version, tensors, entries = struct.unpack_from("<IQQ", head, 4)
    if version not in (2, 3):
        raise GgufError("it is big-endian" if version & 0xFFFF == 0 else f"version {version} is not known")
    if entries > _MOST_ENTRIES:
        raise GgufError(f"it claims {entries:,} metadata entries")
    metadata: dict[str, str | int | float | bool] = {}
    lengths: dict[str, int] = {}
    reader = _Reader(head, 24)
    try:
        for _ in range(entries):
            key = reader.string(_LONGEST_KEY)
            kind = reader.number("I")
            if kind == _ARRAY:
                lengths[key] = reader.skip_array()
            else:
                metadata[key] = reader.value(kind)
    except _EndOfHeadError:
        return GgufHeader(version, tensors, entries, metadata, lengths=lengths)
    header = GgufHeader(version, tensors, entries, metadata, True, lengths)
    try:
        ends = _end_of_tensors(reader, tensors, max(header.number("general.alignment") or _ALIGNMENT, 1))
    except _EndOfHeadError:
        return header
    return replace(header, listed=True, ends=ends)


def _end_of_tensors(reader: _Reader, tensors: int, alignment: int) -> int | None:
    """Where the last tensor's bytes end in the file; None where one is of a type that is not known here."""
    ends, known = [0], True
    for _ in range(tensors):
        reader.string(_LONGEST_KEY)
        elements = math.prod(reader.number("Q") for _ in range(_dimensions(reader)))
        block = BLOCKS.get(reader.number("I"))
        start = reader.number("Q")
        known = known and block is not None
        ends.append(start + elements // block[0] * block[1] if block else 0)
    data = -(-reader.position // alignment) * alignment if tensors else reader.position
    return data + max(ends) if known else None


def _dimensions(reader: _Reader) -> int:
    count = reader.number("I")
    if count > _MOST_DIMENSIONS:
        raise GgufError(f"a tensor claims {count:,} dimensions")
    return count


class _EndOfHeadError(Exception):
    """The head that was read ends here; the file may well go on."""


class _Reader:
    def __init__(self, head: bytes, position: int) -> None:
        self._head = head
        self._position = position

    @property
    def position(self) -> int:
        return self._position

    def take(self, count: int) -> bytes:
        end = self._position + count
        if end > len(self._head):
            raise _EndOfHeadError
        taken = self._head[self._position : end]
        self._position = end
        return taken

    def number(self, kind: str) -> int:
        return int(struct.unpack("<" + kind, self.take(struct.calcsize("<" + kind)))[0])

    def string(self, longest: int | None = None) -> str:
        length = self.number("Q")
        if longest is not None and length > longest:
            raise GgufError(f"a key claims {length:,} bytes")
        return self.take(length).decode("utf-8", "replace")

    def value(self, kind: int) -> str | int | float | bool:
        """A scalar or a text."""
        if kind == _STRING:
            return self.string()
        if kind not in _SCALARS:
            raise GgufError(f"a metadata entry has the unknown type {kind}")
        code = "<" + _SCALARS[kind]
        value: int | float | bool = struct.unpack(code, self.take(struct.calcsize(code)))[0]
        return value

    def skip_array(self) -> int:
        """Pass over a list; returns how many entries it claims."""
        kind, count = self.number("I"), self.number("Q")
        if kind in _SCALARS:
            self.take(count * struct.calcsize("<" + _SCALARS[kind]))
        elif kind == _STRING:
            for _ in range(count):  # ends with the head at the latest: each takes eight bytes or more
                self.take(self.number("Q"))
        else:
            raise GgufError(f"an array has the unknown type {kind}")
        return count


def general_of(file: Path) -> GgufHeader:
    """What the head of a file says, vocabularies not waited for: `general.*` stands first.

    Raises:
        GgufError: as `read_gguf` says.
    """
    with file.open("rb") as stream:
        return read_gguf(stream.read(HEAD_BYTES))


def header_of(file: Path) -> GgufHeader:
    """All metadata of a file and its list of tensors: as much of its beginning is read as they take.

    Raises:
        GgufError: as `read_gguf` says; or the file ends inside its metadata, or before its last tensor does.
    """
    size = file.stat().st_size
    length = HEAD_BYTES
    while True:
        with file.open("rb") as stream:
            header = read_gguf(stream.read(length))
        if header.listed or (header.whole and length >= size):
            break
        if length >= size:
            raise GgufError("it ends inside its metadata")
        length *= 4
    if not header.listed:
        raise GgufError("it ends inside its list of tensors")
    if header.ends is not None and header.ends > size:
        raise GgufError(f"it ends {header.ends - size:,} bytes before its last tensor does")
    return header
