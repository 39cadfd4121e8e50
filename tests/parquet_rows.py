"""Rows as one Parquet file, for training and evaluation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest


def write_rows(rows: Sequence[Mapping[str, Any]], file: Path) -> Path:
    """Write rows as one Parquet file."""
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    file.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(list(rows)), file)
    return file
