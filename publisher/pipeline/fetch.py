"""Fetching a file from a Hub into a folder, hashed in passing; or of a file of weights its header alone."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

from publisher.errors import HubpubError
from publisher.evidence.files import git_blob_id, git_blob_id_of
from publisher.hub.port import Hub, RemoteFile
from publisher.records.artifacts import RepoRef
from publisher.weights.header import LONGEST_HEADER_BYTES


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


def fetch_listed(
    hub: Hub,
    ref: RepoRef,
    revision: str,
    file: RemoteFile,
    folder: Path,
    on_bytes: Callable[[int], None] | None = None,
) -> None:
    """Fetch a file as `fetch_file` does, and hold it against the Hub's listing: by sha256 where that is known, else by git's id.

    Raises:
        HubpubError: HP-R01, it is another file; as the port says.
    """
    sha256 = fetch_file(hub, ref, revision, file.path, folder, on_bytes)
    whole = sha256 == file.sha256 if file.sha256 else git_blob_id(folder / file.path) == file.blob_id
    if not whole:
        raise _not_as_listed(hub, ref, file)


def read_listed(hub: Hub, ref: RepoRef, revision: str, file: RemoteFile) -> bytes:
    """The bytes of a small file, held against the Hub's listing as `fetch_listed` does.

    Raises:
        HubpubError: HP-R01, it is another file; as the port says.
    """
    content = b"".join(hub.read(ref, revision, file.path))
    sha256 = hashlib.sha256(content).hexdigest()
    if sha256 != file.sha256 if file.sha256 else git_blob_id_of(content) != file.blob_id:
        raise _not_as_listed(hub, ref, file)
    return content


def fetch_outline(hub: Hub, ref: RepoRef, revision: str, file: RemoteFile, folder: Path) -> None:
    """Write the header of a safetensors file, and a hole for the rest: of the right size, and next to no room on the disk.

    Whether it is such a file at all is for whoever reads the header to say.

    Raises:
        HubpubError: as the port says.
    """
    length = int.from_bytes(hub.read_range(ref, revision, file.path, 0, min(8, file.size)), "little")
    stop = min(8 + min(length, LONGEST_HEADER_BYTES), file.size)
    target = folder / file.path
    target.write_bytes(hub.read_range(ref, revision, file.path, 0, stop) if stop else b"")
    os.truncate(target, file.size)


def _not_as_listed(hub: Hub, ref: RepoRef, file: RemoteFile) -> HubpubError:
    return HubpubError(
        "HP-R01",
        f"{file.path} of {ref.repo_id} is not the file that the Hub lists",
        where=f"{hub.endpoint}/{ref.path}",
        hint="fetch it again; where it stays, tell the owner and the Hub",
        path=file.path,
    )
