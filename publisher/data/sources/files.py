"""Files of rows: JSON lines and Parquet, read row by row, each with the place that people find it at."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Protocol

from publisher.data.installed import installed
from publisher.data.pictures import Inspection, picture_in
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
        (ParquetRows if path.suffix == ".parquet" else JsonlRows)(path, name.as_posix(), split_told(name))
        for path in found
        for name in [path.relative_to(folder)]
    ]


def split_told(path: Path) -> str | None:
    """The split that a file's name, or a folder above it, tells."""
    named = _NAMED.search(path.as_posix())
    return _SPLITS[named["split"]] if named else None


@dataclass(frozen=True)
class JsonlRows:
    """JSON lines; pictures are paths relative to the file, never outside its folder."""

    path: Path
    name: str
    split: str | None

    def rows(self, names: Mapping[str, str]) -> Iterator[Read]:
        """Every line that is not blank."""
        inspection = Inspection()
        with self.path.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                where = f"{self.name}:{number}"
                try:
                    text = (line.removeprefix(codecs.BOM_UTF8) if number == 1 else line).decode()
                except UnicodeDecodeError:  # it will be so in all the others, too
                    yield Read(where, {}, faults=("is no UTF-8 text",))
                    return
                if text.strip():
                    yield self._read(where, text, names, inspection)

    def _read(self, where: str, line: str, names: Mapping[str, str], inspection: Inspection) -> Read:
        try:
            row = _object(line)
        except ValueError as fault:
            return Read(where, {}, faults=(str(fault),))
        listed = row.pop(names["images"], None)
        pictures: list[Picture] = []
        shown: list[str] = []
        faults: list[str] = []
        for path in _cells(listed):
            try:
                file = self._picture(path)
                shown.append(inspection.digest(file.read_bytes()))
            except (ValueError, OSError) as fault:
                faults.append(
                    f"the image {path} {fault if isinstance(fault, ValueError) else 'cannot be read'}"
                )
            else:
                pictures.append(Picture(Path(path).name, file.read_bytes))
        return Read(where, row, tuple(pictures), tuple(shown), tuple(faults))

    def _picture(self, path: Json) -> Path:
        if not isinstance(path, str):
            raise ValueError("is no path")  # noqa: TRY004 — one kind of fault for the caller
        return picture_in(self.path.parent, path)


@dataclass(frozen=True)
class ParquetRows:
    """A Parquet file; pictures are `{"bytes": …, "path": …}`, one or a list of them."""

    path: Path
    name: str
    split: str | None

    def rows(self, names: Mapping[str, str]) -> Iterator[Read]:
        """Every row; pictures are looked at and left where they are."""
        try:
            file = installed("pyarrow.parquet").ParquetFile(self.path)
        except (installed("pyarrow").ArrowInvalid, OSError) as damaged:
            raise HubpubError(
                "HP-D02",
                f"{self.name} cannot be read as Parquet",
                hint="fetch or write it again",
                where=str(self.path),
            ) from damaged
        inspection = Inspection()
        number = 0
        for group in range(file.num_row_groups):
            for at, row in enumerate(file.read_row_group(group).to_pylist()):
                number += 1
                cells = _cells(row.pop(names["images"], None))
                where = f"{self.name}, row {number}"
                yield self._read(where, row, cells, (group, at, names["images"]), inspection)

    def _read(
        self,
        where: str,
        row: dict[str, Json],
        cells: list[Json],
        place: tuple[int, int, str],
        inspection: Inspection,
    ) -> Read:
        bytes_of = [cell.get("bytes") if isinstance(cell, dict) else None for cell in cells]
        if any(not data for data in bytes_of):
            return Read(where, row, faults=("lists an image whose bytes are not in the file",))
        try:
            shown = tuple(inspection.digest(data) for data in bytes_of if data)
        except ValueError as fault:
            return Read(where, row, faults=(f"lists an image that {fault}",))
        group, at, column = place
        pictures = tuple(
            Picture(cell.get("path") or f"{index}", _Later(self.path, group, at, column, index).read)
            for index, cell in enumerate(cells)
        )
        return Read(where, row, pictures, shown)


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


def _object(line: str) -> dict[str, Json]:
    """A line's JSON object.

    Raises:
        ValueError: it holds something else.
    """
    try:
        row = json.loads(line)
        if "\\u" in line:
            json.dumps(row, ensure_ascii=False).encode()
    except json.JSONDecodeError as fault:
        raise ValueError(f"is no JSON: {fault.msg} at column {fault.colno}") from fault
    except UnicodeEncodeError as fault:
        raise ValueError("holds half of a surrogate pair, which is no text") from fault
    except (ValueError, RecursionError) as fault:
        raise ValueError(f"is no JSON: {fault}") from fault
    if not isinstance(row, dict):
        raise ValueError("is no JSON object")  # noqa: TRY004 — one kind of fault for the caller
    return row


def _cells(value: Json) -> list[Json]:
    return [] if value is None else value if isinstance(value, list) else [value]
