"""The texts in one cell of a table, however deep they lie in lists and structures; bounded, since rows come from strangers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

MAX_DEPTH = 6
MOST_ITEMS = 200  # of one list


def texts_of(value: Any, depth: int = 0) -> Iterator[str]:
    """All texts of a value."""
    if isinstance(value, str):
        yield value
    elif depth < MAX_DEPTH and isinstance(value, dict):
        for item in value.values():
            yield from texts_of(item, depth + 1)
    elif depth < MAX_DEPTH and isinstance(value, list):
        for item in value[:MOST_ITEMS]:
            yield from texts_of(item, depth + 1)
