"""The beginning of a GGUF file: its version, how much is in it, and its general metadata.

Format: `GGUF`, version (u32), number of tensors (u64), number of metadata entries (u64), then the entries: a key, a
type (u32), a value (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md). Only version 2 and 3, little-endian.
Works on the first bytes of a file, whatever they claim: nothing larger than those is ever made.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

MAGIC = b"GGUF"
HEAD_BYTES = 1024 * 1024  # general metadata stand first; vocabularies of many megabytes follow them

_MOST_ENTRIES = 100_000
_LONGEST_KEY = 65_535  # bytes, the format's own limit
_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9


class GgufError(Exception):
    """The bytes are no GGUF header; the message says why."""


@dataclass(frozen=True)
class GgufHeader:
    """What the head of a file says. `whole`: all metadata were read; else the head ended before them."""

    version: int
    tensors: int
    entries: int
    metadata: Mapping[str, str | int | float | bool] = field(default_factory=dict)  # scalars and texts only
    whole: bool = False

    def text(self, key: str) -> str | None:
        """A text under a key."""
        value = self.metadata.get(key)
        return value if isinstance(value, str) else None


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
    reader = _Reader(head, 24)
    try:
        for _ in range(entries):
            key = reader.string(_LONGEST_KEY)
            value = reader.value(reader.number("I"))
            if value is not None:
                metadata[key] = value
    except _EndOfHeadError:
        return GgufHeader(version, tensors, entries, metadata)
    return GgufHeader(version, tensors, entries, metadata, whole=True)


class _EndOfHeadError(Exception):
    """The head that was read ends here; the file may well go on."""


class _Reader:
    def __init__(self, head: bytes, position: int) -> None:
        self._head = head
        self._position = position

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

    def value(self, kind: int) -> str | int | float | bool | None:
        """A scalar or a text; None for an array, which is passed over."""
        if kind == _STRING:
            return self.string()
        if kind == _ARRAY:
            self._skip_array()
            return None
        if kind not in _SCALARS:
            raise GgufError(f"a metadata entry has the unknown type {kind}")
        code = "<" + _SCALARS[kind]
        value: int | float | bool = struct.unpack(code, self.take(struct.calcsize(code)))[0]
        return value

    def _skip_array(self) -> None:
        kind, count = self.number("I"), self.number("Q")
        if kind in _SCALARS:
            self.take(count * struct.calcsize("<" + _SCALARS[kind]))
        elif kind == _STRING:
            for _ in range(count):  # ends with the head at the latest: each takes eight bytes or more
                self.take(self.number("Q"))
        else:
            raise GgufError(f"an array has the unknown type {kind}")


def header_of(file: Path) -> GgufHeader:
    """All metadata of a file: as much of its beginning is read as they take.

    Raises:
        GgufError: as `read_gguf` says, or the file ends inside its metadata.
    """
    size = file.stat().st_size
    length = HEAD_BYTES
    while True:
        with file.open("rb") as stream:
            header = read_gguf(stream.read(length))
        if header.whole:
            return header
        if length >= size:
            raise GgufError("it ends inside its metadata")
        length *= 4
