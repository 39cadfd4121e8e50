"""What the footers of a dataset's Parquet files say: rows and columns, without reading a row.

A Parquet file ends with its footer, the footer's length in four bytes (little-endian), and `PAR1`
(https://parquet.apache.org/docs/file-format).
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from dataclasses import dataclass

from publisher.checks.observe.files import Files
from publisher.checks.observe.target import Absent, RepoView
from publisher.checks.source import Entry, Source

_MAGIC = b"PAR1"
_TAIL_BYTES = 8
_LONGEST_BYTES = 16 * 1024 * 1024
_MOST_FILES = 1000
_SPLIT_FILE = re.compile(r"(?:data/)?(?P<split>\w+)-\d{5}-of-\d{5}\.parquet", re.ASCII)


@dataclass(frozen=True)
class Footer:
    """One file's rows, and the names of its columns in order."""

    rows: int
    columns: tuple[str, ...]


@dataclass(frozen=True)
class SplitFooters:
    """The footers of a dataset's files by split, as `train-00000-of-00001.parquet` names it."""

    of: Mapping[str, tuple[Footer, ...]]

    @classmethod
    def observe(cls, view: RepoView) -> SplitFooters | Absent:
        """Read the last bytes of each file; one that cannot be read leaves the numbers of all unknown."""
        files = view.observe(Files)
        if isinstance(files, Absent):
            return files
        named = [(entry, match["split"]) for entry in files if (match := _SPLIT_FILE.fullmatch(entry.path))]
        if not named:
            return Absent("no Parquet files like train-00000-of-00001.parquet", missing=True)
        if len(named) > _MOST_FILES:
            return Absent(f"{len(named):,} Parquet files, more than are opened for a check")
        found: dict[str, list[Footer]] = {}
        for entry, split in named:
            footer = _read(view.source, entry)
            if isinstance(footer, Absent):
                return footer
            found.setdefault(split, []).append(footer)
        return cls({split: tuple(footers) for split, footers in found.items()})


def _read(source: Source, entry: Entry) -> Footer | Absent:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        return Absent('pyarrow, which reads Parquet, is not installed: pip install "hubpub[models]"')
    try:
        tail = source.read(entry.path, start=max(0, entry.size - _TAIL_BYTES), limit=_TAIL_BYTES)
        length = int.from_bytes(tail[:4], "little")
        if tail[4:] != _MAGIC or not 0 < length <= min(_LONGEST_BYTES, entry.size - _TAIL_BYTES):
            return Absent(f"{entry.path} does not end as a Parquet file does")
        raw = source.read(entry.path, start=entry.size - _TAIL_BYTES - length, limit=length)
        metadata = pq.read_metadata(io.BytesIO(_MAGIC + raw + tail))
        return Footer(metadata.num_rows, tuple(metadata.schema.to_arrow_schema().names))
    except (OSError, pa.ArrowException) as error:
        return Absent(f"{entry.path}: the footer cannot be read ({type(error).__name__})")
