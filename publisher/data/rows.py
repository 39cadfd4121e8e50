"""Reading a packaged dataset: how many rows, which columns, and the texts that a model trains on."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from publisher.data.installed import installed
from publisher.errors import HubpubError

_SPLIT_FILE = re.compile(r"(?P<split>[A-Za-z0-9_]+)-\d{5}-of-\d{5}\.parquet")
_TEXTS = ("prompt", "completion")


def count_rows(folder: Path) -> dict[str, int]:
    """Rows of each split, from the files' footers: no row is read.

    Args:
        folder: a dataset, or the `data/` in it.

    Raises:
        HubpubError: HP-D01, no Parquet files or none with rows; HP-D02, one is damaged; HP-E01, no pyarrow.
    """
    counts = {
        split: sum(_open(path).metadata.num_rows for path in paths)
        for split, paths in parquet_splits(folder).items()
    }
    if not sum(counts.values()):
        raise _no_rows(folder, "the dataset has no rows")
    return counts


def columns(folder: Path) -> list[str]:
    """The names of the columns, in order, which must be the same in every file.

    Raises:
        HubpubError: HP-D01, no Parquet files; HP-D02, two files differ or one is damaged; HP-E01, no pyarrow.
    """
    first, *others = [path for paths in parquet_splits(folder).values() for path in paths]
    names = list(_open(first).schema_arrow.names)
    for path in others:
        if list(_open(path).schema_arrow.names) != names:
            raise HubpubError(
                "HP-D02",
                f"{path.name} has other columns than {first.name}",
                hint="write all splits with the same columns",
                where=str(path),
                columns=list(_open(path).schema_arrow.names),
            )
    return names


def read_texts(folder: Path, split: str, limit: int | None = None) -> list[tuple[str, str]]:
    """Prompts and completions of a split, in the order of the rows; images stay on disk.

    Args:
        folder: a dataset, or the `data/` in it.
        split: `train`, `validation` or `test`.
        limit: the first so many rows only; None = all.

    Raises:
        HubpubError: HP-D01, no such split or no rows in it; HP-D02, a column is missing, a cell of it is empty, or a
            file is damaged; HP-E01, no pyarrow.
    """
    splits = parquet_splits(folder)
    if split not in splits:
        raise _no_rows(folder, f"the dataset has no split {split}, only {', '.join(splits)}")
    texts: list[tuple[str, str]] = []
    for path in splits[split]:
        parquet = _open(path)
        _require(path, parquet.schema_arrow.names)
        for batch in parquet.iter_batches(batch_size=1000, columns=list(_TEXTS)):
            texts += zip(*(batch.column(name).to_pylist() for name in _TEXTS), strict=True)
            if limit is not None and len(texts) >= limit:
                break
    texts = texts[:limit]
    if not texts:
        raise _no_rows(folder, f"the {split} split has no rows")
    for number, row in enumerate(texts):
        if not all(row):
            raise HubpubError(
                "HP-D02",
                f"row {number} of the {split} split has an empty prompt or completion",
                hint="leave out rows without text",
                where=str(folder),
                row=number,
            )
    return texts


def parquet_splits(folder: Path) -> dict[str, list[Path]]:
    """The files of each split, by name.

    Raises:
        HubpubError: HP-D01, no Parquet files.
    """
    found: dict[str, list[Path]] = {}
    for path in sorted([*folder.glob("*.parquet"), *folder.glob("data/*.parquet")]):
        if named := _SPLIT_FILE.fullmatch(path.name):
            found.setdefault(named["split"], []).append(path)
    if not found:
        raise _no_rows(folder, "there are no files like train-00000-of-00001.parquet")
    return found


def _open(path: Path) -> Any:  # pyarrow.parquet.ParquetFile
    pq = installed("pyarrow.parquet")
    try:
        return pq.ParquetFile(path)
    except (installed("pyarrow").ArrowInvalid, OSError) as damaged:
        raise HubpubError(
            "HP-D02",
            f"{path.name} cannot be read as Parquet",
            hint="build the dataset again",
            where=str(path),
        ) from damaged


def _require(path: Path, names: Sequence[str]) -> None:
    missing = [name for name in _TEXTS if name not in names]
    if missing:
        raise HubpubError(
            "HP-D02",
            f"{path.name} has no column {' and no column '.join(missing)}",
            hint="training needs the text columns prompt and completion",
            where=str(path),
            missing=missing,
        )


def _no_rows(folder: Path, what: str) -> HubpubError:
    return HubpubError("HP-D01", what, hint="build the dataset, or name another folder", where=str(folder))
