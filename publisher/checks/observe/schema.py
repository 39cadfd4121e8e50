"""What a card's `dataset_info` says of each configuration: features with their types and labels, rows of each split."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from publisher.checks.observe.frontmatter import Value
from publisher.checks.observe.readme import Metadata
from publisher.records.facts import Json


@dataclass(frozen=True)
class Feature:
    """One declared column.

    Attributes:
        name: of the column.
        kind: a dtype such as `string`, `image` or `class_label`; `list`, `struct`; None for what is not compared.
        value: where it stands.
        dtype: where its type stands, if that is one word.
        labels: of a class label, in order.
    """

    name: str
    kind: str | None
    value: Value
    dtype: Value | None = None
    labels: tuple[str, ...] = ()


@dataclass(frozen=True)
class Info:
    """One entry of `dataset_info`. `splits`: by name the value of `num_examples`, if it is a number."""

    config: str | None
    features: tuple[Feature, ...]
    splits: Mapping[str, Value]
    features_line: int | None = None  # where the key stands

    def covers(self, config: str, *, alone: bool) -> bool:
        """Whether it speaks of a configuration; the only one of a dataset may go without a name."""
        return self.config == config or (alone and self.config in (None, "default"))


def declared_info(card: Metadata) -> tuple[Info, ...]:
    """All entries, in order."""
    info = card.get("dataset_info")
    if info is None:
        return ()
    entries = info.items if isinstance(info.items, tuple) and info.items else (info,)
    return tuple(_info(entry.items) for entry in entries if isinstance(entry.items, Mapping))


def class_labels(features: Mapping[str, Json]) -> dict[str, tuple[str, ...]]:
    """The labels of each class-label column, as `datasets` writes features into Parquet."""
    found = {}
    for name, feature in features.items():
        names = feature.get("names") if isinstance(feature, dict) else None
        if isinstance(names, list) and feature.get("_type") == "ClassLabel":
            found[name] = tuple(str(each) for each in names)
    return found


def _info(members: Mapping[str, Value]) -> Info:
    config = members.get("config_name")
    splits = {
        str(split.items["name"].data): split.items["num_examples"]
        for split in _listed(members.get("splits"))
        if isinstance(split.items, Mapping)
        and "name" in split.items
        and "num_examples" in split.items
        and type(split.items["num_examples"].data) is int
    }
    features = tuple(_feature(each.items, each) for each in _listed(members.get("features")) if _named(each))
    line = members["features"].key_line if "features" in members else None
    return Info(None if config is None else str(config.data), features, splits, line)


def _listed(value: Value | None) -> Iterator[Value]:
    yield from value.items if value is not None and isinstance(value.items, tuple) else ()


def _named(value: Value) -> bool:
    return isinstance(value.items, Mapping) and "name" in value.items


def _feature(members: object, value: Value) -> Feature:
    assert isinstance(members, Mapping)
    name = str(members["name"].data)
    if "list" in members:
        return Feature(name, "list", value)
    if "struct" in members:
        return Feature(name, "struct", value)
    if "sequence" in members:  # of a mapping it is stored as a struct of lists
        return Feature(name, "list" if isinstance(members["sequence"].data, str) else None, value)
    dtype = members.get("dtype")
    if dtype is None:
        return Feature(name, None, value)
    if isinstance(dtype.items, Mapping) and "class_label" in dtype.items:
        return Feature(name, "class_label", value, None, _labels(dtype.items["class_label"]))
    return (
        Feature(name, dtype.data, value, dtype) if isinstance(dtype.data, str) else Feature(name, None, value)
    )


def _labels(value: Value) -> tuple[str, ...]:
    """`names`: a list, or a mapping from numbers written as texts."""
    names = value.data.get("names") if isinstance(value.data, dict) else None
    if isinstance(names, dict):
        return tuple(str(name) for name in names.values())
    return tuple(str(name) for name in names) if isinstance(names, list) else ()
