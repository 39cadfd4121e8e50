"""A model's modules as a tree to print: which there are, how large they are, and what training did to each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from publisher.card import formats
from publisher.records.facts import Fact, Facts, Json

WIDEST = 60  # modules: a model with more kinds of them (experts of many shapes) is no tree that anyone reads


@dataclass
class _Node:
    """One part of the modules' names; `row` where a module ends here."""

    children: dict[str, _Node] = field(default_factory=dict)
    row: dict[str, Json] | None = None


@dataclass(frozen=True)
class Line:
    """One line of the tree.

    Attributes:
        branch: the lines of the tree and the module's name.
        gap: blanks before the number of parameters, so that these stand one below another.
        parameters, shape: facts, None for what only holds others; `times`: how many alike there are, None for one.
        adapted: whether training reached it; `added`: the parameters that it got for that, where they are known.
    """

    branch: str
    gap: str
    parameters: Fact | None
    shape: Fact | None
    times: Fact | None
    adapted: bool
    added: Fact | None


def tree(facts: Facts) -> list[Line]:
    """The base's modules, those of all layers in one line; empty where no stage told them or they are too many."""
    fact = facts.get("base.outline")
    rows = fact.value if fact is not None and fact.known and isinstance(fact.value, list) else []
    if fact is None or not 0 < len(rows) <= WIDEST:
        return []
    root = _Node()
    for row in rows:
        node = root
        for part in _parts(str(row["module"])):
            node = node.children.setdefault(part, _Node())
        while node.row is not None:  # modules of one name and several shapes
            node = node.children.setdefault("", _Node())
        node.row = row
    drawn = list(_drawn(root, ""))
    width = max(len(branch) for branch, _ in drawn)
    digits = max(len(formats.integer(row["parameters"])) for row in rows)
    return [_line(fact, facts, branch, width + digits, row) for branch, row in drawn]


def _line(fact: Fact, facts: Facts, branch: str, width: int, row: dict[str, Json] | None) -> Line:
    if row is None:
        return Line(branch, "", None, None, None, False, None)

    def part(value: Json) -> Fact:
        return replace(fact, value=value, unit=None)

    adapted, added = _adapted(facts, str(row["module"]))
    gap = " " * (width - len(branch) - len(formats.integer(row["parameters"])))
    shape = part(row["shape"]) if row["shape"] else None
    times = part(row["times"]) if row["times"] > 1 else None
    return Line(branch, gap, part(row["parameters"]), shape, times, adapted, added)


def _adapted(facts: Facts, module: str) -> tuple[bool, Fact | None]:
    """Whether an adapter is on the modules, and its weights there where its own outline tells them."""
    fact = facts.get("adapter.outline")
    if fact is not None and fact.known:
        row: Any = next((row for row in fact.value if module in row["names"]), None)
        return row is not None, replace(fact, value=row["parameters"], unit=None) if row else None
    targets = facts.value("adapter.target_modules") or []
    return any(module == target or module.endswith(f".{target}") for target in targets), None


def _parts(module: str) -> Iterator[str]:
    """`model.layers.*.mlp` → `model`, `layers.*`, `mlp`."""
    parts = module.split(".")
    for place, part in enumerate(parts):
        if part != "*":
            yield f"{part}.*" if parts[place + 1 : place + 2] == ["*"] else part


def _drawn(node: _Node, indent: str) -> Iterator[tuple[str, dict[str, Json] | None]]:
    last = len(node.children) - 1
    for place, (name, child) in enumerate(node.children.items()):
        while child.row is None and len(child.children) == 1:  # `model` that only holds `language_model`
            below, child = next(iter(child.children.items()))
            name = f"{name}.{below}"
        yield f"{indent}{'└─' if place == last else '├─'} {name}", child.row
        yield from _drawn(child, indent + ("   " if place == last else "│  "))
