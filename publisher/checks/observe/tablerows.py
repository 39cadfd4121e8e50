"""A dataset's rows, one after the other, whatever they are stored in: JSON, CSV, and Parquet where it can be read.

Without `--deep` the first rows of each split are read; with it every row, one file at a time, and no more than a batch
of them is kept.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from publisher.checks.observe.datafiles import DataFiles, SplitFiles, named_split, reader
from publisher.checks.observe.depth import Depth
from publisher.checks.observe.target import Absent, RepoView
from publisher.checks.source import Source

SAMPLE_ROWS = 1000  # of each split without --deep
MOST_SPLITS = 100
_SAMPLE_BYTES = 16 * 1024 * 1024  # of each file without --deep
_LINE_BYTES = 64 * 1024 * 1024  # a longer line, or one JSON document that is longer, is not read
_PIECE = 1024 * 1024

Row = dict[str, Any]


class UnreadableError(Exception):
    """A file's rows cannot be read; the message says why."""


class Tables(Protocol):
    """What can read Parquet, handed in from outside: the checks know no pyarrow."""

    def rows(self, source: Source, path: str, size: int) -> Iterator[Row]:
        """A file's rows in order.

        Raises:
            UnreadableError: the file is damaged.
        """


@dataclass(frozen=True)
class TableReader:
    """A reader of Parquet as an observation: `RepoView(source, TableReader(…))`."""

    tables: Tables | None = None
    why_not: str = "the rows of Parquet files were not read"

    @classmethod
    def observe(cls, view: RepoView) -> TableReader:  # noqa: ARG003 - every observation is asked so
        """None, where nobody handed one in."""
        return cls()


@dataclass(frozen=True)
class Placed:
    """One row and where it stands: `number` counts from 1 in its file, `line` is set where a row is a line."""

    split: SplitFiles
    path: str
    number: int
    line: int | None
    row: Row


@dataclass
class Reading:
    """What came of a reading: unreadable files, and whether rows were left out. Filled while rows are drawn."""

    unread: dict[str, list[str]] = field(default_factory=dict)  # paths by reason
    cut: bool = False

    @property
    def left_out(self) -> tuple[str, ...]:
        """Why not every row was seen, one sentence a reason."""
        reasons = [
            f"{why}: {paths[0]}" + (f" and {len(paths) - 1:,} more" if len(paths) > 1 else "")
            for why, paths in self.unread.items()
        ]
        cut = f"of each split the first {SAMPLE_ROWS:,} rows were read; --deep reads all"
        return (*reasons, cut) if self.cut else tuple(reasons)


class TableRows:
    """The rows of a dataset's splits. Each call of `each` reads them anew."""

    def __init__(
        self, source: Source, data: DataFiles, sizes: dict[str, int], tables: TableReader, depth: Depth
    ) -> None:
        self._source, self._sizes, self._tables, self._deep = source, sizes, tables, depth.everything
        # Copies are told of the split that is read later: of the held-out one.
        self.splits = sorted(data.splits[:MOST_SPLITS], key=lambda each: named_split(each.split) != "train")

    @classmethod
    def observe(cls, view: RepoView) -> TableRows | Absent:
        """Of a dataset whose files lie here: over a network rows are not read."""
        data, tables, depth = view.observe(DataFiles), view.observe(TableReader), view.observe(Depth)
        if isinstance(data, Absent):
            return data
        if not view.source.near:
            return Absent("a check downloads no data, so nobody looked at the rows")
        assert not isinstance(tables, Absent)
        assert not isinstance(depth, Absent)
        sizes = {entry.path: entry.size for entry in view.source.entries()}
        return cls(view.source, data, sizes, tables, depth)

    def each(self, reading: Reading) -> Iterator[Placed]:
        """All rows, split by split; of a sample the first of each."""
        for split in self.splits:
            left = None if self._deep else SAMPLE_ROWS
            for path in split.paths:
                try:
                    for number, (line, row) in enumerate(self._file(path, reading), start=1):
                        if left == 0:
                            reading.cut = True
                            break
                        left = None if left is None else left - 1
                        yield Placed(split, path, number, line, row)
                except (OSError, UnreadableError) as error:
                    reading.unread.setdefault(_why(error), []).append(path)
                if reading.cut and left == 0:
                    break

    def _file(self, path: str, reading: Reading) -> Iterator[tuple[int | None, Row]]:
        kind = reader(path)
        if kind == "parquet":
            if self._tables.tables is None:
                raise UnreadableError(self._tables.why_not)
            for row in self._tables.tables.rows(self._source, path, self._sizes[path]):
                yield None, row
        elif kind == "csv":
            yield from self._csv(path, "\t" if path.casefold().endswith(".tsv") else ",", reading)
        elif path.casefold().endswith(".json") and not self._by_line(path):
            yield from self._document(path)
        else:
            yield from self._json_lines(path, reading)

    def _by_line(self, path: str) -> bool:
        """A `.json` of one mapping a line, as `datasets` reads it too."""
        first = self._source.read(path, limit=_PIECE).split(b"\n", 1)[0].strip()
        try:
            return isinstance(json.loads(first), dict) if first.startswith(b"{") else False
        except (ValueError, RecursionError):
            return False

    def _document(self, path: str) -> Iterator[tuple[None, Row]]:
        if self._sizes[path] > (_LINE_BYTES if self._deep else _SAMPLE_BYTES):
            raise UnreadableError("one JSON document, too large to be read whole")
        try:
            data = json.loads(self._source.read(path))
        except (ValueError, RecursionError) as error:
            raise UnreadableError(f"no JSON ({type(error).__name__})") from None
        for row in data if isinstance(data, list) else [data]:
            if isinstance(row, dict):
                yield None, row

    def _json_lines(self, path: str, reading: Reading) -> Iterator[tuple[int, Row]]:
        for line, raw in enumerate(self._lines(path, reading), start=1):
            if not raw.strip():
                continue
            try:
                row = json.loads(raw)
            except (ValueError, RecursionError):
                raise UnreadableError(f"line {line:,} is no JSON") from None
            if isinstance(row, dict):
                yield line, row

    def _csv(self, path: str, delimiter: str, reading: Reading) -> Iterator[tuple[int, Row]]:
        texts = (raw.decode("utf-8-sig", "replace") for raw in self._lines(path, reading))
        rows = csv.reader(texts, delimiter=delimiter)
        try:
            header = next(rows, [])
            for cells in rows:
                if cells:
                    yield rows.line_num, dict(zip(header, cells, strict=False))
        except csv.Error as error:
            raise UnreadableError(f"line {rows.line_num:,}: {error}") from None

    def _lines(self, path: str, reading: Reading) -> Iterator[bytes]:
        """A file's lines with their ends, read in pieces."""
        size = self._sizes[path]
        most = size if self._deep else min(size, _SAMPLE_BYTES)
        rest = io.BytesIO()
        for start in range(0, most, _PIECE):
            first, *others = self._source.read(path, start=start, limit=min(_PIECE, most - start)).split(
                b"\n"
            )
            rest.write(first)
            for other in others:
                yield rest.getvalue() + b"\n"
                rest = io.BytesIO()
                rest.write(other)
            if rest.tell() > _LINE_BYTES:
                raise UnreadableError("one line is too long to be read")
        if most < size:
            reading.cut = True  # what is left over may be half a row
        elif rest.tell():
            yield rest.getvalue()


def _why(error: OSError | UnreadableError) -> str:
    return f"cannot be read ({error.strerror})" if isinstance(error, OSError) else str(error)
