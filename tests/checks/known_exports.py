"""Makes `publisher/checks/known/exports.json`: the names that well-known libraries export, read from their source.

    python tests/checks/known_exports.py [WHEEL ...]

Reads what is installed, and wheels of other versions and libraries; names that the file knew already are kept. Nothing
of them is imported: lazily exported names are listed in `_import_structure`, in `__all__`, or in imports for type
checkers, and a name that one of those has is one that a reader may import somewhere.
"""

from __future__ import annotations

import ast
import datetime as dt
import json
import re
import sys
import textwrap
import warnings
import zipfile
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

FILE = Path(__file__).parents[2] / "publisher" / "checks" / "known" / "exports.json"
LIBRARIES = (
    "accelerate", "datasets", "diffusers", "huggingface_hub", "peft", "sentence_transformers", "transformers", "trl",
)  # fmt: skip
SOURCE = (
    "names that `from LIBRARY import NAME` finds, by tests/checks/known_exports.py from each library's source"
)

_NAME = re.compile(r"[A-Za-z]\w*")
_LISTED = re.compile(r"^__all__ ?\+?= ?(\[[^\]]*\]|\([^)]*\))", re.MULTILINE)
Folder = Path | zipfile.Path


def installed(library: str) -> tuple[str, set[str]] | None:
    """Version and names of a library on this machine; None where it is not installed."""
    spec = find_spec(library)
    if spec is None or not spec.submodule_search_locations:
        return None
    return metadata.version(library), exported(Path(spec.submodule_search_locations[0]))


def in_wheel(wheel: Path) -> tuple[str, str, set[str]]:
    """Library, version and names of a wheel."""
    library, version = wheel.name.split("-")[:2]
    return library, version, exported(zipfile.Path(wheel) / library)


def exported(package: Folder) -> set[str]:
    """Every name that a package's `__init__.py` binds, lists or imports from its own modules, and its modules' names."""
    modules = {
        each.name.removesuffix(".py")
        for each in package.iterdir()
        if each.is_dir() or each.name.endswith(".py")
    }
    names = _names(package, "__init__", whole=True) | modules
    return {name for name in names if _NAME.fullmatch(name)}


def merged(known: dict[str, Any], wheels: list[Path]) -> dict[str, dict[str, Any]]:
    """What was known, what is installed, and what wheels add: by library, its newest version's names and older ones."""
    found = {library: dict(entry) for library, entry in known.items()}
    seen = [(library, *read) for library in LIBRARIES if (read := installed(library)) is not None]
    for library, version, names in [*seen, *map(in_wheel, wheels)]:
        entry = found.setdefault(library, {"version": version, "names": set(), "older": set(), "read": []})
        before = set(entry["names"]) | set(entry["older"])
        if _order(version) >= _order(entry["version"]):
            entry |= {"version": version, "names": names}
        entry["older"] = (before | names) - set(entry["names"])
        entry["read"] = sorted({*entry["read"], version}, key=_order)
    return found


def load() -> dict[str, dict[str, Any]]:
    """The file as it is, names as sets."""
    if not FILE.exists():
        return {}
    libraries = json.loads(FILE.read_text("utf-8"))["libraries"]
    return {
        library: entry | {key: set(" ".join(entry[key]).split()) for key in ("names", "older")}
        for library, entry in libraries.items()
    }


def write(libraries: dict[str, dict[str, Any]]) -> None:
    """Write the file, names in lines that a diff can show."""
    content = {
        library: {"version": entry["version"], "read": entry["read"]}
        | {key: textwrap.wrap(" ".join(sorted(entry[key])), 110) for key in ("names", "older")}
        for library, entry in sorted(libraries.items())
    }
    data = {"source": SOURCE, "date": dt.datetime.now(dt.UTC).date().isoformat(), "libraries": content}
    FILE.write_text(json.dumps(data, indent=1) + "\n", "utf-8")


def _order(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])


def _names(folder: Folder, module: str, *, whole: bool = False) -> set[str]:
    """The names of one module; of a star import only those in `__all__`, where it has one."""
    file = folder / f"{module}.py"
    if not file.exists():
        inner = folder / module
        return _names(inner, "__init__") if (inner / "__init__.py").exists() else set()
    text = file.read_text(encoding="utf-8")
    if not whole and (
        lists := _LISTED.findall(text)
    ):  # a thousand large modules are not parsed for their last lines
        return {name for each in lists for name in ast.literal_eval(each)}
    tree = _parsed(text)
    bound: set[str] = set()
    listed: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                if alias.name != "*":
                    bound.add(alias.asname or alias.name)
                elif node.level and node.module:
                    place: Any = folder
                    for _ in range(node.level - 1):
                        place = place.parent
                    *inside, last = node.module.split(".")
                    for part in inside:
                        place = place / part
                    bound |= _names(place, last)
        elif isinstance(node, ast.Import):
            bound |= {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            bound.add(node.name)
        elif isinstance(node, ast.Assign):
            targets = {target.id for target in node.targets if isinstance(target, ast.Name)}
            bound |= targets
            if "__all__" in targets:
                listed |= _texts(node.value)
        if whole and isinstance(node, ast.List | ast.Tuple | ast.Set):
            bound |= _texts(node)
    return bound | listed if whole or not listed else listed


def _texts(node: ast.AST) -> set[str]:
    return {
        each.value
        for each in ast.walk(node)
        if isinstance(each, ast.Constant) and isinstance(each.value, str)
    }


def _parsed(text: str) -> ast.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(text)


if __name__ == "__main__":
    write(merged(load(), [Path(argument) for argument in sys.argv[1:]]))
