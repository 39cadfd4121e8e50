"""What can be imported from the top level of well-known libraries, in any of their versions, as data."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True)
class Library:
    """One library. `version`: the newest that was read; `names`: of it and of those before it."""

    version: tuple[int, ...]
    names: frozenset[str]


@cache
def libraries() -> dict[str, Library]:
    """By import name. Made by tests/checks/known_exports.py."""
    data = json.loads(files("publisher.checks.known").joinpath("exports.json").read_text("utf-8"))
    return {
        name: Library(
            tuple(int(part) for part in entry["version"].split(".")),
            frozenset(" ".join(entry["names"] + entry["older"]).split()),
        )
        for name, entry in data["libraries"].items()
    }
