"""Prompt/completion rows from Parquet files."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from publisher.errors import HubpubError


class Row(NamedTuple):
    """One example: the user's turn and the model's."""

    prompt: str
    completion: str


def read_rows(folder: str | Path, split: str) -> list[Row]:
    """All rows of `<split>-*.parquet`, in the order of file names and rows.

    Raises:
        HubpubError: HP-D01, no such file or no row in it; HP-D02, `prompt` or `completion` is missing or no text.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows: list[Row] = []
    for file in sorted(Path(folder).glob(f"{split}-*.parquet")):
        schema = pq.read_schema(file)
        texts = {
            field.name
            for field in schema
            if pa.types.is_string(field.type) or pa.types.is_large_string(field.type)
        }
        absent = [name for name in Row._fields if name not in texts]
        if absent:
            raise HubpubError(
                "HP-D02",
                f"{file.name} has no text column {' and '.join(absent)}; it has {', '.join(schema.names)}",
                hint="write the columns `prompt` and `completion`, both text",
                where=str(file),
                columns=list(schema.names),
            )
        table = pq.read_table(file, columns=list(Row._fields))
        rows += [Row(**row) for row in table.to_pylist()]
    if not rows:
        raise HubpubError(
            "HP-D01",
            f"the {split} split has no rows",
            hint=f"put a `{split}-*.parquet` with rows into the data folder, or make the dataset again",
            where=str(folder),
        )
    return rows
