"""Files of rows: JSON lines and Parquet, read row by row, each with the place that people find it at."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Protocol

from publisher.data.installed import installed
from publisher.data.sample import Picture
from publisher.errors import HubpubError
from publisher.records.facts import Json

_SPLITS = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "dev": "validation",
    "test": "test",
}
_NAMED = re.compile(rf"(?:^|/)(?P<split>{'|'.join(_SPLITS)})(?=[-_./]|$)")
_IMAGE = re.compile(rb"\x89PNG\r\n|\xff\xd8\xff|GIF8|RIFF....WEBP|BM|II\*\x00|MM\x00\*", re.DOTALL)


@dataclass(frozen=True)
class Read:
    """One row of a file: its place, its columns, its pictures; or what kept it from being read."""

    where: str
    columns: Mapping[str, Json]
    pictures: tuple[Picture, ...] = ()
    shown: tuple[str, ...] = ()  # what tells the pictures apart
    faults: tuple[str, ...] = ()


class RowFile(Protocol):
    """A file of rows."""

    @property
    def split(self) -> str | None:
        """The side that its name tells."""

    def rows(self, names: Mapping[str, str]) -> Iterator[Read]:
        """Every row. `names`: our column → the file's."""


def files_in(folder: Path) -> list[RowFile]:
    """The Parquet files of a folder, or where there are none its JSON lines.

    Raises:
        HubpubError: HP-D01, there are neither.
    """
    found: list[Path] = []
    for ending in ("parquet", "jsonl"):
        found = found or sorted(path for path in folder.rglob(f"*.{ending}") if path.is_file())
    if not found:
        raise HubpubError(
            "HP-D01",
            "there are neither Parquet files nor JSON lines",
            hint="name another folder",
            where=str(folder),
        )
    return [
        (ParquetRows if path.suffix == ".parquet" else JsonlRows)(path, split_told(path.relative_to(folder)))
        for path in found
    ]


def split_told(path: Path) -> str | None:
    """The split that a file's name, or a folder above it, tells."""
    named = _NAMED.search(path.as_posix())
    return _SPLITS[named["split"]] if named else None


@dataclass(frozen=True)
class JsonlRows:
    """JSON lines; pictures are paths relative to the file, never outside its folder."""

    path: Path
    split: str | None

    def rows(self, names: Mapping[str, str]) -> Iterator[Read]:
        """Every line that is not blank."""
        with self.path.open(encoding="utf-8", errors="strict") as lines:
            number = 0
            while True:
                try:
                    line = next(lines, None)
                except UnicodeDecodeError:
                    yield Read(f"{self.path.name}:{number + 1}", {}, faults=("is no UTF-8 text",))
                    return
                if line is None:
                    return
                number += 1
                if line.strip():
                    yield self._read(f"{self.path.name}:{number}", line, names)

    def _read(self, where: str, line: str, names: Mapping[str, str]) -> Read:
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as fault:
            return Read(where, {}, faults=(f"is no JSON: {fault}",))
        if not isinstance(row, dict):
            return Read(where, {}, faults=("is no JSON object",))
        listed = row.pop(names["images"], None)
        paths = [] if listed is None else listed if isinstance(listed, list) else [listed]
        faults = tuple(told for path in paths if (told := self._fault(path)))
        if faults:
            return Read(where, row, faults=faults)
        pictures = tuple(Picture(Path(path).name, (self.path.parent / path).read_bytes) for path in paths)
        return Read(where, row, pictures, tuple(paths))

    def _fault(self, path: Json) -> str | None:
        if not isinstance(path, str):
            return "images holds something that is no path"
        folder = self.path.parent.resolve()
        file = (folder / path).resolve()
        if not file.is_relative_to(folder):
            return f"the image {path} lies outside the file's folder"
        if not file.is_file():
            return f"the image {path} does not exist"
        with file.open("rb") as stream:
            return None if _IMAGE.match(stream.read(16)) else f"{path} is no image"


@dataclass(frozen=True)
class ParquetRows:
    """A Parquet file; pictures are `{"bytes": …, "path": …}`, one or a list of them."""

    path: Path
    split: str | None

    def rows(self, names: Mapping[str, str]) -> Iterator[Read]:
        """Every row; pictures are looked at and left where they are."""
        try:
            file = installed("pyarrow.parquet").ParquetFile(self.path)
        except (installed("pyarrow").ArrowInvalid, OSError) as damaged:
            raise HubpubError(
                "HP-D02",
                f"{self.path.name} cannot be read as Parquet",
                hint="fetch or write it again",
                where=str(self.path),
            ) from damaged
        number = 0
        for group in range(file.num_row_groups):
            for at, row in enumerate(file.read_row_group(group).to_pylist()):
                number += 1
                cells = _cells(row.pop(names["images"], None))
                yield self._read(f"{self.path.name}, row {number}", row, cells, (group, at, names["images"]))

    def _read(self, where: str, row: dict[str, Json], cells: list[Json], place: tuple[int, int, str]) -> Read:
        bytes_of = [cell.get("bytes") if isinstance(cell, dict) else None for cell in cells]
        if any(not data for data in bytes_of):
            return Read(where, row, faults=("lists an image whose bytes are not in the file",))
        if any(not _IMAGE.match(data[:16]) for data in bytes_of if data):
            return Read(where, row, faults=("lists an image that is none",))
        group, at, column = place
        pictures = tuple(
            Picture(cell.get("path") or f"{index}", _Later(self.path, group, at, column, index).read)
            for index, cell in enumerate(cells)
        )
        return Read(where, row, pictures, tuple(sha256(data).hexdigest() for data in bytes_of if data))


@dataclass(frozen=True)
class _Later:
    """A picture's place in a Parquet file."""

    path: Path
    group: int
    row: int
    column: str
    index: int

    def read(self) -> bytes:
        cell: bytes = _cells(_column(self.path, self.group, self.column)[self.row])[self.index]["bytes"]
        return cell


@lru_cache(maxsize=2)  # rows are written in the order in which they were read: a group for either split
def _column(path: Path, group: int, column: str) -> list[Json]:
    cells: list[Json] = (
        installed("pyarrow.parquet")
        .ParquetFile(path)
        .read_row_group(group, columns=[column])[column]
        .to_pylist()
    )
    return cells


def _cells(value: Json) -> list[Json]:
    return [] if value is None else value if isinstance(value, list) else [value]
