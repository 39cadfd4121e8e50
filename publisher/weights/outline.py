"""A model's modules by kind, from safetensors headers: how many there are of each, their shape, their weights."""

from __future__ import annotations

import re
from collections.abc import Iterable

from publisher.records.facts import Json

NUMBER = re.compile(r"(?<=\.)\d+(?=\.|$)")
PARTS = ("weight", "bias", "weight_scale", "scale")


def outline(tensors: Iterable[tuple[str, tuple[int, ...], int]]) -> list[dict[str, Json]]:
    """Group tensors into modules, and modules that differ in numbers of layers and experts alone into one row.

    Args:
        tensors: name, shape and number of elements of each.

    Returns:
        Rows in the order of the names: `module` with `*` for each number, `times` it is there, `shape` of its
        weight, and `parameters` of all of them, bias included. All rows together hold every element.
    """
    modules: dict[str, tuple[list[int], int]] = {}
    for name, shape, elements in sorted(tensors):
        module, _, part = name.rpartition(".")
        if part not in PARTS:
            module, part = name, "weight"
        known, held = modules.get(module, ([], 0))
        modules[module] = (list(shape) if part == "weight" else known, held + elements)
    rows: dict[tuple[str, tuple[int, ...]], dict[str, Json]] = {}
    for module, (dimensions, elements) in modules.items():
        kind = NUMBER.sub("*", module)
        row = rows.setdefault(
            (kind, tuple(dimensions)), {"module": kind, "times": 0, "shape": dimensions, "parameters": 0}
        )
        row["times"] += 1
        row["parameters"] += elements
    return list(rows.values())
