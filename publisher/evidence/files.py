"""Inventories: which files a folder holds, with size and sha256."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path

from publisher.records.artifacts import FileRecord, is_card_file

PIECE = 1 << 22


def inventory(
    folder: Path,
    *,
    keep: Callable[[str], bool] = lambda path: not is_card_file(path),
    known: Mapping[str, str] | None = None,
) -> tuple[FileRecord, ...]:
    """Hash the files of a folder, sorted by path; by default those of weights, data and configuration.

    `known`: digests by path that need not be computed again.
    """
    known = known or {}
    paths = sorted(p for p in folder.rglob("*") if p.is_file())
    named = [(p.relative_to(folder).as_posix(), p) for p in paths]
    return tuple(
        FileRecord(name, p.stat().st_size, known.get(name) or sha256_of(p)) for name, p in named if keep(name)
    )


def sha256_of(file: Path) -> str:
    """Sha256 of a file, in hex, read in pieces."""
    sha = hashlib.sha256()
    with file.open("rb") as stream:
        while piece := stream.read(PIECE):
            sha.update(piece)
    return sha.hexdigest()


def git_blob_id(file: Path) -> str:
    """The id that git gives a file's contents: what a Hub lists for files outside LFS."""
    sha = hashlib.sha1(f"blob {file.stat().st_size}\0".encode(), usedforsecurity=False)
    with file.open("rb") as stream:
        while piece := stream.read(PIECE):
            sha.update(piece)
    return sha.hexdigest()


def git_blob_id_of(content: bytes) -> str:
    """The same for bytes that are no file yet."""
    return hashlib.sha1(f"blob {len(content)}\0".encode() + content, usedforsecurity=False).hexdigest()


def load_json(file: Path) -> dict[str, object]:
    """A JSON mapping, or an empty one where the file is absent."""
    if not file.is_file():
        return {}
    found = json.loads(file.read_text(encoding="utf-8"))
    return found if isinstance(found, dict) else {}
