"""Makes `publisher/checks/known/ids.json`: the ids that the Hub knows, out of the package and the page that list them.

    npm pack @huggingface/tasks
    python tests/checks/known_ids.py huggingface-tasks-VERSION.tgz [repositories-licenses.md COMMIT]

The page is `docs/hub/repositories-licenses.md` of huggingface/hub-docs at that commit. What is not given stays as it is;
the keys of front matter are listed nowhere by machine, and are kept by hand.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
import sys
import tarfile
from pathlib import Path
from typing import Any

FILE = Path(__file__).parents[2] / "publisher" / "checks" / "known" / "ids.json"
PACKAGE, TASKS = "@huggingface/tasks", "package/src/pipelines.ts"
REPOSITORY, PAGE = "huggingface/hub-docs", "docs/hub/repositories-licenses.md"

_TABLE = re.compile(r"export const PIPELINE_DATA = \{\n(?P<rows>.*?)\n\} satisfies", re.DOTALL)
_ROW = re.compile(
    r"^\t\"?(?P<id>[a-z0-9-]+)\"?: \{$", re.MULTILINE
)  # one tab: what stands deeper is a subtask
_REGION = re.compile(r"<!-- region licenses -->(?P<rows>.*?)<!-- endregion -->", re.DOTALL)
_LICENCE = re.compile(r"^\|[^|\n]*\|\s*`(?P<id>[^`\s]+)`\s*\|", re.MULTILINE)


def tasks_of(tarball: Path) -> tuple[dict[str, str], list[str]]:
    """Where the ids of tasks are from, and the ids, as the package of npm lists them."""
    with tarfile.open(tarball) as package:
        source, about = (_bytes(package, name) for name in (TASKS, "package/package.json"))
    described = json.loads(about)
    if described["name"] != PACKAGE:
        raise ValueError(f"{tarball} is {described['name']}, not {PACKAGE}")
    table = _TABLE.search(source.decode("utf-8"))
    if table is None:
        raise ValueError(f"{TASKS} of {PACKAGE} {described['version']} has no PIPELINE_DATA any more")
    found = {"package": PACKAGE, "version": described["version"], "file": TASKS, "sha256": _sha256(source)}
    return found, sorted(row["id"] for row in _ROW.finditer(table["rows"]))


def licences_of(page: Path, commit: str) -> tuple[dict[str, str], list[str]]:
    """Where the ids of licences are from, and the ids, as the Hub's documentation lists them."""
    content = page.read_bytes()
    region = _REGION.search(content.decode("utf-8"))
    if region is None:
        raise ValueError(f"{page} has no region of licences any more")
    found = {"repository": REPOSITORY, "commit": commit, "file": PAGE, "sha256": _sha256(content)}
    return found, sorted({row["id"] for row in _LICENCE.finditer(region["rows"])})


def renewed(
    known: dict[str, Any], lists: dict[str, tuple[dict[str, str], list[str]]], date: str
) -> dict[str, Any]:
    """The file's content with these lists in the place of the older ones, and where each is from."""
    sources = {**known["sources"], **{name: {**source, "date": date} for name, (source, _) in lists.items()}}
    return {**known, "sources": sources, **{name: ids for name, (_, ids) in lists.items()}}


def text_of(content: dict[str, Any]) -> str:
    """As it stands in the file."""
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def _bytes(package: tarfile.TarFile, name: str) -> bytes:
    file = package.extractfile(name)
    if file is None:
        raise ValueError(f"{name} is no file")
    return file.read()


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


if __name__ == "__main__":
    tarball, *page = sys.argv[1:]
    lists = {"pipeline_tags": tasks_of(Path(tarball))}
    if page:
        lists["licences"] = licences_of(Path(page[0]), page[1])
    today = dt.datetime.now(dt.UTC).date().isoformat()
    known = json.loads(FILE.read_text("utf-8"))
    FILE.write_text(text_of(renewed(known, lists, today)), encoding="utf-8")
