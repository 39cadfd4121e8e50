"""Fetching a file from a Hub into a folder, hashed in passing."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from publisher.hub.port import Hub
from publisher.records.artifacts import RepoRef


def fetch_file(
    hub: Hub,
    ref: RepoRef,
    revision: str,
    path: str,
    folder: Path,
    on_bytes: Callable[[int], None] | None = None,
) -> str:
    """Write `folder/path` and return the sha256 of what arrived, in hex. `on_bytes` hears of each piece's size.

    Raises:
        HubpubError: as the port says; the file is incomplete then, so fetch into a folder that is made aside.
    """
    sha = hashlib.sha256()
    target = folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as stream:
        for piece in hub.read(ref, revision, path):
            stream.write(piece)
            sha.update(piece)
            if on_bytes is not None:
                on_bytes(len(piece))
    return sha.hexdigest()
