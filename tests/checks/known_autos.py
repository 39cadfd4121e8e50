"""Makes `publisher/checks/known/autos.json`: which kinds of model each Auto class of transformers loads.

    python tests/checks/known_autos.py [WHEEL ...]

Reads the source of the installed transformers, and wheels of other versions; nothing is imported. What any version
loads counts as loaded: the file is there to call a class wrong, and must be sure.
"""

from __future__ import annotations

import ast
import datetime as dt
import json
import sys
import textwrap
import zipfile
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

FILE = Path(__file__).parents[2] / "publisher" / "checks" / "known" / "autos.json"
SOURCE = "kinds of model (config.json: model_type) that each Auto class loads, by tests/checks/known_autos.py"
CONFIGS = "CONFIG_MAPPING_NAMES"
AUTO = "models/auto"

Folder = Path | zipfile.Path
Found = dict[str, set[str]]


def read(package: Folder) -> Found:
    """By Auto class the kinds that it loads; under `CONFIGS` all kinds that there are."""
    found: Found = {CONFIGS: set()}
    mappings: Found = {}
    classes: dict[str, str] = {}
    for name in ("auto_mappings", "configuration_auto", "modeling_auto"):
        file = package / AUTO / f"{name}.py"
        if not file.exists():
            continue
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                mappings.setdefault(node.targets[0].id, set()).update(_kinds(node.value))
            elif isinstance(node, ast.ClassDef):
                classes.update((node.name, mapping) for mapping in _mapping(node))
    for name, mapping in classes.items():
        found[name] = mappings.get(f"{mapping}_NAMES", set())
    found[CONFIGS] = mappings[CONFIGS]
    return {name: kinds for name, kinds in found.items() if kinds and not name.startswith("_")}


def merged(known: Found, wheels: list[Path]) -> Found:
    """What was known, what the installed transformers has, and what wheels add."""
    found = {name: set(kinds) for name, kinds in known.items()}
    for each in [read(_installed()), *(read(zipfile.Path(wheel) / "transformers") for wheel in wheels)]:
        for name, kinds in each.items():
            found.setdefault(name, set()).update(kinds)
    return found


def load() -> Found:
    """The file as it is."""
    if not FILE.exists():
        return {}
    return {name: set(" ".join(lines).split()) for name, lines in _content()["kinds"].items()}


def write(found: Found, versions: list[str]) -> None:
    """Write the file, kinds in lines that a diff can show."""
    before = _content()["read"] if FILE.exists() else []
    data = {
        "source": SOURCE,
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
        "read": sorted({*before, *versions}),
        "kinds": {
            name: textwrap.wrap(" ".join(sorted(kinds)), 110, break_on_hyphens=False)
            for name, kinds in sorted(found.items())
        },
    }
    FILE.write_text(json.dumps(data, indent=1) + "\n", "utf-8")


def _content() -> dict[str, Any]:
    content: dict[str, Any] = json.loads(FILE.read_text("utf-8"))
    return content


def _installed() -> Path:
    spec = find_spec("transformers")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    return Path(spec.submodule_search_locations[0])


def _kinds(value: ast.expr) -> set[str]:
    """The first text of each pair of a mapping that is written out."""
    return {
        str(pair.elts[0].value)
        for pair in ast.walk(value)
        if isinstance(pair, ast.Tuple) and pair.elts and isinstance(pair.elts[0], ast.Constant)
    } | {
        str(key.value) for each in ast.walk(value) if isinstance(each, ast.Dict)
        for key in each.keys if isinstance(key, ast.Constant)
    }  # fmt: skip


def _mapping(node: ast.ClassDef) -> list[str]:
    return [
        each.value.id
        for each in node.body
        if isinstance(each, ast.Assign)
        and isinstance(each.targets[0], ast.Name)
        and each.targets[0].id == "_model_mapping"
        and isinstance(each.value, ast.Name)
    ]


if __name__ == "__main__":
    given = [Path(argument) for argument in sys.argv[1:]]
    write(
        merged(load(), given),
        [metadata.version("transformers"), *(each.name.split("-")[1] for each in given)],
    )
