"""A dataset's configurations as its card declares them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from publisher.checks.observe.frontmatter import Value
from publisher.checks.observe.readme import Metadata

_MOST = 2000  # splits; a card with more is read as far as that


@dataclass(frozen=True)
class Split:
    """One split's patterns, with their places."""

    config: str
    name: str
    patterns: tuple[Value, ...]


def declared_splits(card: Metadata) -> tuple[Split, ...]:
    """All splits that `configs` names files for."""
    configs = card.get("configs")
    items = configs.items if configs is not None and isinstance(configs.items, tuple) else ()
    found: list[Split] = []
    for index, config in enumerate(items):
        members = config.items if isinstance(config.items, dict) else {}
        title = str(members["config_name"].data) if "config_name" in members else f"{index}"
        for name, patterns in _of(members.get("data_files")):
            if len(found) < _MOST:
                found.append(Split(title, name, tuple(patterns)))
    return tuple(found)


def rows_declared(card: Metadata) -> tuple[int, ...]:
    """Rows of each configuration that `dataset_info` counts."""
    info = card.get("dataset_info")
    if info is None:
        return ()
    counts = []
    for item in info.items if isinstance(info.items, tuple) and info.items else (info,):
        splits = item.data.get("splits") if isinstance(item.data, dict) else None
        rows = (
            [split.get("num_examples") for split in splits if isinstance(split, dict)]
            if isinstance(splits, list)
            else []
        )
        numbers = [row for row in rows if type(row) is int]
        if rows and len(numbers) == len(rows):
            counts.append(sum(numbers))
    return tuple(counts)


def _of(value: Value | None) -> Iterator[tuple[str, list[Value]]]:
    """`data_files`: a text or a list of texts (train), a mapping of splits, or a list of {split, path}."""
    if value is None:
        return
    if isinstance(value.items, dict):
        for name, patterns in value.items.items():
            yield name, _texts(patterns)
        return
    plain = []
    for item in value.items if isinstance(value.items, tuple) and value.items else (value,):
        if isinstance(item.items, dict) and "path" in item.items:
            split = item.items.get("split")
            yield (str(split.data) if split is not None else "train"), _texts(item.items["path"])
        else:
            plain += _texts(item)
    if plain:
        yield "train", plain


def _texts(value: Value) -> list[Value]:
    items = value.items if isinstance(value.items, tuple) and value.items else (value,)
    return [item for item in items if isinstance(item.data, str)]
