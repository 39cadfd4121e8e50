"""What the footers of a dataset's Parquet files say: rows, columns and their types, without reading a row.

A Parquet file ends with its footer, the footer's length in four bytes (little-endian), and `PAR1`
(https://parquet.apache.org/docs/file-format). Read here and not by pyarrow: a light install checks datasets too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from publisher.checks.observe.files import Files
from publisher.checks.observe.target import Absent, RepoView
from publisher.checks.observe.thrift import CompactReader, ThriftError
from publisher.checks.source import Entry, Source
from publisher.records.facts import Json

MOST_FILES = 1000
_MAGIC = b"PAR1"
_TAIL_BYTES = 8
_LONGEST_BYTES = 16 * 1024 * 1024
_WHOLE_BYTES = 1024 * 1024  # of a longer footer only what comes before its row groups is read
_SPLIT_FILE = re.compile(r"(?:data/)?(?P<split>\w+)-\d{5}-of-\d{5}\.parquet", re.ASCII)

# FileMetaData and SchemaElement of parquet.thrift, by field number.
_SCHEMA, _ROWS, _KEYS = 2, 3, 5
_TYPE, _REPETITION, _NAME, _CHILDREN, _CONVERTED, _LOGICAL = 1, 3, 4, 5, 6, 10
_REPEATED = 2
# A column's type in the words of `datasets`: (physical type, converted type).
_DTYPES = {
    (0, None): "bool",
    (1, None): "int32", (1, 15): "int8", (1, 16): "int16", (1, 17): "int32",
    (1, 11): "uint8", (1, 12): "uint16", (1, 13): "uint32",
    (2, None): "int64", (2, 18): "int64", (2, 14): "uint64",
    (4, None): "float32", (5, None): "float64",
    (6, 0): "string", (6, None): "binary",
}  # fmt: skip
_LISTS = (1, 2, 3)  # converted types MAP, MAP_KEY_VALUE, LIST


@dataclass(frozen=True)
class Footer:
    """One file's rows, and its columns in order.

    Attributes:
        rows: how many.
        columns: their names.
        types: of each column: a dtype of `datasets`, `list`, `struct`, or None where it is none of those.
        features: what `datasets` wrote of its features; None: nothing that was read.
    """

    rows: int
    columns: tuple[str, ...]
    types: tuple[str | None, ...] = ()
    features: Mapping[str, Json] | None = None


class Footers:
    """The footers of files by path, each read when first asked for."""

    def __init__(self, source: Source, files: Files) -> None:
        self._source, self._files = source, files
        self._read: dict[str, Footer | Absent] = {}

    @classmethod
    def observe(cls, view: RepoView) -> Footers | Absent:
        """Of a repo's files."""
        files = view.observe(Files)
        return files if isinstance(files, Absent) else cls(view.source, files)

    def of(self, path: str) -> Footer | Absent:
        """A file's footer; Absent: it has none that can be read, and why."""
        if path not in self._read:
            entry = self._files.get(path)
            self._read[path] = (
                Absent(f"no {path}", missing=True) if entry is None else _footer(self._source, entry)
            )
        return self._read[path]


@dataclass(frozen=True)
class SplitFooters:
    """The footers of a dataset's files by split, as `train-00000-of-00001.parquet` names it."""

    of: Mapping[str, tuple[Footer, ...]]

    @classmethod
    def observe(cls, view: RepoView) -> SplitFooters | Absent:
        """Read the last bytes of each file; one that cannot be read leaves the numbers of all unknown."""
        files, footers = view.observe(Files), view.observe(Footers)
        if isinstance(files, Absent):
            return files
        if isinstance(footers, Absent):
            return footers
        named = [(entry, match["split"]) for entry in files if (match := _SPLIT_FILE.fullmatch(entry.path))]
        if not named:
            return Absent("no Parquet files like train-00000-of-00001.parquet", missing=True)
        if len(named) > MOST_FILES:
            return Absent(f"{len(named):,} Parquet files, more than are opened for a check")
        found: dict[str, list[Footer]] = {}
        for entry, split in named:
            footer = footers.of(entry.path)
            if isinstance(footer, Absent):
                return footer
            found.setdefault(split, []).append(footer)
        return cls({split: tuple(each) for split, each in found.items()})


def _footer(source: Source, entry: Entry) -> Footer | Absent:
    try:
        tail = source.read(entry.path, start=max(0, entry.size - _TAIL_BYTES), limit=_TAIL_BYTES)
        length = int.from_bytes(tail[:4], "little")
        if tail[4:] != _MAGIC or not 0 < length <= min(_LONGEST_BYTES, entry.size - _TAIL_BYTES):
            return Absent(f"{entry.path} does not end as a Parquet file does")
        raw = source.read(entry.path, start=entry.size - _TAIL_BYTES - length, limit=length)
        return parse_footer(raw)
    except (OSError, ThriftError) as error:
        return Absent(f"{entry.path}: the footer cannot be read ({type(error).__name__})")


def parse_footer(raw: bytes) -> Footer:
    """Read a footer's bytes.

    Raises:
        ThriftError: they are none.
    """
    last = None if len(raw) <= _WHOLE_BYTES else _ROWS
    fields = CompactReader(raw).struct((_SCHEMA, _ROWS, _KEYS), last)
    elements, rows = fields.get(_SCHEMA), fields.get(_ROWS)
    if not isinstance(elements, list) or not isinstance(rows, int) or rows < 0:
        raise ThriftError("no schema, or no number of rows")
    columns = _columns(elements)
    return Footer(
        rows,
        tuple(name for name, _ in columns),
        tuple(dtype for _, dtype in columns),
        _features(fields.get(_KEYS)),
    )


def _columns(elements: list[Any]) -> list[tuple[str, str | None]]:
    """The children of the root. Elements stand depth first, each with the number of its children."""
    found: list[tuple[str, str | None]] = []
    open_below: list[int] = []  # children still to come, from the root inwards
    for element in elements:
        if not isinstance(element, dict) or not isinstance(element.get(_NAME), bytes):
            raise ThriftError("a column without a name")
        while open_below and open_below[-1] == 0:
            open_below.pop()
        if len(open_below) == 1:
            found.append((element[_NAME].decode("utf-8", "replace"), _dtype(element)))
        if open_below:
            open_below[-1] -= 1
        children = element.get(_CHILDREN) or 0
        if not isinstance(children, int):
            raise ThriftError("a number of children that is none")
        if children:
            open_below.append(children)
    return found


def _dtype(element: Mapping[int, Any]) -> str | None:
    converted = element.get(_CONVERTED)
    if element.get(_REPETITION) == _REPEATED or (_TYPE not in element and converted in _LISTS):
        return "list"
    if _TYPE not in element:
        return "struct"
    if converted is None and element.get(_LOGICAL):
        return None  # such as a timestamp in nanoseconds, or a half-precision float
    if not isinstance(element[_TYPE], int) or not isinstance(converted, int | None):
        return None
    return _DTYPES.get((element[_TYPE], converted))


def _features(pairs: object) -> Mapping[str, Json] | None:
    for pair in pairs if isinstance(pairs, list) else ():
        if isinstance(pair, dict) and pair.get(1) == b"huggingface" and isinstance(pair.get(2), bytes):
            try:
                features = json.loads(pair[2])["info"]["features"]
            except (ValueError, KeyError, TypeError, RecursionError):
                return None
            return features if isinstance(features, dict) else None
    return None
