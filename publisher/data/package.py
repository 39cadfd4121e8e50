"""Rows as Parquet files that `datasets.load_dataset` opens with typed columns, written without `datasets`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

from publisher.data.installed import installed
from publisher.data.sample import Picture
from publisher.errors import HubpubError
from publisher.records.facts import Json

ROW_GROUP = 1000  # rows; the Hub's viewer fetches one group at a time
ROW_GROUP_OF_PICTURES = 100  # where every row has pictures of its own: a group is in memory as a whole
# A group of large photos ends here: Arrow's columns of bytes end at 2 GiB, and it is in memory twice.
GROUP_BYTES = 512 * 1024 * 1024
# An image is repeated in every row of its scene. While it fits a row group's dictionary it is stored once.
DICTIONARY_BYTES = 64 * 1024 * 1024

ArrowType = Any  # pyarrow.DataType; naming it would import pyarrow


def text() -> Json:
    """The feature of a text column."""
    return {"dtype": "string", "_type": "Value"}


def integer() -> Json:
    """The feature of a column of whole numbers."""
    return {"dtype": "int64", "_type": "Value"}


def boolean() -> Json:
    """The feature of a column of yes and no."""
    return {"dtype": "bool", "_type": "Value"}


def image() -> Json:
    """The feature of an image column: cells are `{"bytes": PNG or JPEG, "path": file name}`."""
    return {"_type": "Image"}


def list_of(feature: Json) -> Json:
    """The feature of a column of lists."""
    return {"feature": feature, "_type": "List"}


def split_path(out: Path, split: str) -> Path:
    """Where a split lies: the name by which the Hub and `datasets` find splits without being told."""
    return out / "data" / f"{split}-00000-of-00001.parquet"


def write_split(
    out: Path, split: str, features: Mapping[str, Json], rows: Iterable[Mapping[str, Any]]
) -> Path:
    """Write one split; the same rows give the same bytes under the same version of pyarrow.

    A row group is in memory at a time: pictures are read when theirs is written.

    Args:
        out: the dataset's folder, the file goes into its `data/`.
        split: `train`, `validation` or `test`.
        features: the columns in order, each as `datasets` writes its features: a struct is a plain dict.
        rows: one mapping per row, a value for every column; `Picture`s stand where images belong.

    Raises:
        HubpubError: HP-D01, no rows; HP-D02, a row lacks a column or has one too many; HP-E01, no pyarrow.
    """
    pa = installed("pyarrow")
    pq = installed("pyarrow.parquet")
    path = split_path(out, split)
    schema = pa.schema(
        [(name, arrow_type(feature)) for name, feature in features.items()],
        metadata={"huggingface": json.dumps({"info": {"features": dict(features)}})},
    )
    size = ROW_GROUP_OF_PICTURES if "images" in features else ROW_GROUP
    groups = _groups(rows, size, split, features, path)
    first = next(groups, None)
    if first is None:
        raise HubpubError(
            "HP-D01",
            f"the {split} split has no rows",
            hint="give the dataset more scenes or rows, or another validation share, in release.yaml",
            where=str(path),
            split=split,
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    with pq.ParquetWriter(
        path, schema, compression="zstd", dictionary_pagesize_limit=DICTIONARY_BYTES
    ) as writer:
        for group in chain([first], groups):
            writer.write_table(pa.Table.from_pylist(group, schema=schema), row_group_size=size)
    return path


def _groups(
    rows: Iterable[Mapping[str, Any]], size: int, split: str, features: Mapping[str, Json], path: Path
) -> Iterator[list[dict[str, Any]]]:
    """So many rows at a time, or so many bytes, their pictures read."""
    group: list[dict[str, Any]] = []
    held = 0
    for number, row in enumerate(rows):
        if row.keys() != features.keys():
            odd = sorted(row.keys() ^ features.keys())
            raise HubpubError(
                "HP-D02",
                f"row {number} of the {split} split does not have the declared columns: {', '.join(odd)}",
                hint="give every row a value for every column",
                where=str(path),
                columns=odd,
            )
        cells = {name: _cell(value) for name, value in row.items()}
        group.append(cells)
        held += sum(map(_size, cells.values()))
        if len(group) == size or held >= GROUP_BYTES:
            yield group
            group, held = [], 0
    if group:
        yield group


def _size(cell: Any) -> int:
    """Bytes of the pictures in a cell."""
    if isinstance(cell, list):
        return sum(map(_size, cell))
    return len(cell.get("bytes") or b"") if isinstance(cell, dict) else 0


def _cell(value: Any) -> Any:
    if isinstance(value, Picture):
        return value.cell
    return [_cell(part) for part in value] if isinstance(value, list) else value


def arrow_type(feature: Json) -> ArrowType:
    """The Arrow type in which a feature is stored.

    Raises:
        ValueError: a feature of a kind that is never written here.
    """
    pa = installed("pyarrow")
    kind = feature.get("_type")
    if kind == "Image":
        return pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    if kind == "List":
        return pa.list_(arrow_type(feature["feature"]))
    if kind == "Value":
        return {"string": pa.string(), "int64": pa.int64(), "bool": pa.bool_()}[feature["dtype"]]
    if kind is None:
        return pa.struct([(name, arrow_type(part)) for name, part in feature.items()])
    raise ValueError(f"no Arrow type for a feature of kind {kind}")
