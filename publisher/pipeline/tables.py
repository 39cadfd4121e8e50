"""Rows of Parquet files for the checks, which know no pyarrow: batch by batch, through the check's own source."""

from __future__ import annotations

import io
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

from publisher.checks.observe.depth import Depth
from publisher.checks.observe.tablerows import Row, TableReader, UnreadableError
from publisher.checks.source import Source

_BATCH_ROWS = 64  # rows with images are large
_BUFFER_BYTES = 1024 * 1024  # of a column at a time: a row group may be larger than memory


def beside_the_files(*, deep: bool) -> tuple[Depth, TableReader]:
    """What a check of a whole repo is told besides its files: how much to read of them, and what reads Parquet."""
    return Depth(deep), table_reader()


def table_reader() -> TableReader:
    """What reads Parquet here; in a light install nothing does, and the rules say so."""
    if find_spec("pyarrow") is None:
        return TableReader(
            None, 'pyarrow, which reads Parquet, is not installed: pip install "hubpub[models]"'
        )
    return TableReader(ParquetTables())


class ParquetTables:
    """Parquet by pyarrow."""

    def rows(self, source: Source, path: str, size: int) -> Iterator[Row]:
        """A file's rows in order; one batch of them is in memory.

        Raises:
            UnreadableError: the file is damaged.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            with pq.ParquetFile(
                _SourceFile(source, path, size), buffer_size=_BUFFER_BYTES, pre_buffer=False
            ) as file:
                for batch in file.iter_batches(batch_size=_BATCH_ROWS, use_threads=False):
                    yield from batch.to_pylist()
        except (pa.ArrowException, OSError, ValueError) as error:
            raise UnreadableError(f"cannot be read as Parquet ({type(error).__name__})") from error


class _SourceFile(io.RawIOBase):
    """One file of a source as pyarrow wants it."""

    def __init__(self, source: Source, path: str, size: int) -> None:
        self._source, self._path, self._size, self._at = source, path, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = start + offset
        return self._at

    def read(self, size: int | None = -1) -> Any:
        limit = self._size - self._at if size is None or size < 0 else size
        raw = self._source.read(self._path, start=self._at, limit=max(0, limit))
        self._at += len(raw)
        return raw
