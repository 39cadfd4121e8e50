"""Folders of a git tree: from a flat list of files to tree objects, two sides merged, what a path may look like."""

from __future__ import annotations

import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass

from dulwich.objects import ObjectID, Tree

from publisher.staging.responses import RefusalError, bad_request

FILE = 0o100644
FOLDER = stat.S_IFDIR  # git's mode of a folder

Files = dict[str, str]  # path to blob id
_Nested = dict[str, "str | _Nested"]

UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True)
class Node:
    """A file or a folder at a path: its mode, and the id of its blob or tree."""

    path: str
    mode: int
    sha: str


def checked_path(path: object) -> str:
    """A path that may stand in a repo, else a refusal: relative, no `.`, `..`, `.git` or empty parts.

    Raises:
        RefusalError: 422.
    """
    if not isinstance(path, str) or not path or len(path.encode("utf-8", "replace")) > 1024:
        raise RefusalError(422, "A path must be a text of 1 to 1024 bytes")
    parts = path.split("/")
    forbidden = any(part in ("", ".", "..") or part.lower() == ".git" or len(part) > 255 for part in parts)
    if forbidden or "\\" in path or UNPRINTABLE.search(path) or not _is_unicode(path):
        raise RefusalError(422, f"Invalid path: {path!r}")
    return path


def plant(files: Files) -> tuple[ObjectID, list[Tree]]:
    """Make the tree objects of a flat list of files.

    Returns:
        The root's id, and all trees.

    Raises:
        RefusalError: 400 when one path is a file and also the folder of another.
    """
    root: _Nested = {}
    for path, sha in files.items():
        *folders, name = path.split("/")
        level = root
        for folder in folders:
            below = level.setdefault(folder, {})
            if isinstance(below, str):
                raise bad_request(f"{path} lies in {folder}, which is a file")
            level = below
        if name in level:
            raise bad_request(f"{path} is a folder and a file at once")
        level[name] = sha
    trees: list[Tree] = []
    return _plant(root, trees), trees


def merged(
    base: Mapping[str, str], ours: Mapping[str, str], theirs: Mapping[str, str]
) -> tuple[Files, list[str]]:
    """Three-way merge of whole files.

    Returns:
        The merged files, and the paths that both sides changed in different ways.
    """
    result: Files = {}
    conflicts = []
    for path in sorted({*base, *ours, *theirs}):
        before, our, their = base.get(path), ours.get(path), theirs.get(path)
        if our != their and before not in (our, their):
            conflicts.append(path)
        taken = their if before == our else our
        if taken is not None:
            result[path] = taken
    return result, conflicts


def _plant(level: _Nested, trees: list[Tree]) -> ObjectID:
    tree = Tree()
    for name, below in level.items():
        if isinstance(below, str):
            tree.add(name.encode(), FILE, ObjectID(below.encode()))
        else:
            tree.add(name.encode(), FOLDER, _plant(below, trees))
    trees.append(tree)
    return tree.id


def _is_unicode(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:  # a lone surrogate, which JSON can carry and git cannot
        return False
    return True
