"""Thrift's compact protocol, as far as a Parquet footer needs it: numbers, texts, lists and structs by field number.

https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md. Every length is a stranger's number:
nothing is made of that size before the bytes for it were seen.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

MAX_DEPTH = 32
_VARINT_BYTES = 10  # 64 bits, seven at a time

_STOP, _TRUE, _FALSE, _BYTE, _DOUBLE, _BINARY, _LIST, _SET, _MAP, _STRUCT = 0, 1, 2, 3, 7, 8, 9, 10, 11, 12
_INTEGERS = (4, 5, 6)


class ThriftError(Exception):
    """The bytes are no struct of the compact protocol."""


class CompactReader:
    """Reads one struct from bytes."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._at = 0

    def struct(self, only: Collection[int] | None = None, last: int | None = None) -> dict[int, Any]:
        """The fields of a struct by number.

        Args:
            only: the fields to keep; others are passed over. None: all.
            last: where it ends early: what follows this field is not read.

        Raises:
            ThriftError: the bytes end too soon, or say what no writer says.
        """
        return self._struct(0, only, last)

    def _struct(
        self, depth: int, only: Collection[int] | None = None, last: int | None = None
    ) -> dict[int, Any]:
        if depth > MAX_DEPTH:
            raise ThriftError("nested too deeply")
        fields: dict[int, Any] = {}
        number = 0
        while (head := self._byte()) != _STOP:
            kind = head & 0x0F
            number = number + (head >> 4) if head >> 4 else self._zigzag()
            value = kind == _TRUE if kind in (_TRUE, _FALSE) else self._value(kind, depth)
            if only is None or number in only:
                fields[number] = value
            if number == last:
                break
        return fields

    def _value(self, kind: int, depth: int) -> Any:
        if kind in _INTEGERS:
            return self._zigzag()
        if kind == _BINARY:
            return self._take(self._varint())
        if kind == _STRUCT:
            return self._struct(depth + 1)
        if kind in (_LIST, _SET):
            head = self._byte()
            count = head >> 4 if head >> 4 != 15 else self._varint()
            return self._values(head & 0x0F, count, depth)
        if kind == _MAP:
            if depth > MAX_DEPTH:
                raise ThriftError("nested too deeply")
            count = self._varint()
            kinds = self._byte() if count else 0
            return [
                (self._item(kinds >> 4, depth + 1), self._item(kinds & 0x0F, depth + 1))
                for _ in range(self._possible(count))
            ]
        if kind == _BYTE:
            return self._byte()
        if kind == _DOUBLE:
            return self._take(8)
        raise ThriftError(f"no type has the number {kind}")

    def _values(self, kind: int, count: int, depth: int) -> list[Any]:
        if depth > MAX_DEPTH:
            raise ThriftError("nested too deeply")
        return [self._item(kind, depth + 1) for _ in range(self._possible(count))]

    def _item(self, kind: int, depth: int) -> Any:
        return self._byte() == _TRUE if kind in (_TRUE, _FALSE) else self._value(kind, depth)

    def _possible(self, count: int) -> int:
        """Each item takes a byte at least."""
        if count > len(self._raw) - self._at:
            raise ThriftError("a list claims more items than there are bytes")
        return count

    def _byte(self) -> int:
        if self._at >= len(self._raw):
            raise ThriftError("the bytes end too soon")
        self._at += 1
        return self._raw[self._at - 1]

    def _take(self, count: int) -> bytes:
        if count > len(self._raw) - self._at:
            raise ThriftError("the bytes end too soon")
        self._at += count
        return self._raw[self._at - count : self._at]

    def _varint(self) -> int:
        value = 0
        for index in range(_VARINT_BYTES):
            byte = self._byte()
            value |= (byte & 0x7F) << (7 * index)
            if byte < 0x80:
                return value
        raise ThriftError("a number does not end")

    def _zigzag(self) -> int:
        value = self._varint()
        return (value >> 1) ^ -(value & 1)
