"""Writing so that what was written survives a crash: aside, flushed to disk, renamed, folder flushed."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import sqlite3
import threading
import time
import uuid
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

_making_folders = threading.Lock()


def flush_folder(folder: Path) -> None:
    """Make the names in a folder durable: a renamed file is only safe once its folder is."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def is_no_room(error: OSError | sqlite3.OperationalError) -> bool:
    """Whether an error says that the disk (or what a quota leaves of it) is full."""
    if isinstance(error, sqlite3.OperationalError):
        return error.sqlite_errorcode in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE)
    return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def make_folders(folder: Path) -> None:
    """Create a folder and its parents; every parent that got a new name in it is flushed."""
    with _making_folders:  # who finds one that another thread made may rely on it
        missing = []
        while not folder.is_dir():
            missing.append(folder)
            folder = folder.parent
        for new in reversed(missing):
            new.mkdir(exist_ok=True)
            flush_folder(new.parent)


def write_file(path: Path, content: bytes, *, mode: int = 0o644) -> None:
    """Replace a file's content at one stroke: readers see the old bytes or the new ones, also after a crash."""
    aside = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except OSError:
        aside.unlink(missing_ok=True)
        raise
    flush_folder(path.parent)


def remove_old(folder: Path, *, older_than_s: float) -> None:
    """Remove the folders in a folder that nothing was added to for so long."""
    for each in folder.iterdir():
        with contextlib.suppress(FileNotFoundError):  # another thread was here first
            if each.stat().st_mtime + older_than_s < time.time():
                shutil.rmtree(each)


class AsideFile:
    """Bytes on their way in: hashed while they are written to a temporary name.

    Leaving the `with` block removes the file unless `keep_as` gave it its place.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / uuid.uuid4().hex
        self.size = 0
        self._hash = hashlib.sha256()
        self._file = self.path.open("xb")

    @property
    def sha256(self) -> str:
        """Digest of what came so far, in hex."""
        return self._hash.hexdigest()

    def write(self, pieces: Iterable[bytes]) -> None:
        """Append pieces."""
        for piece in pieces:
            self._file.write(piece)
            self._hash.update(piece)
            self.size += len(piece)

    def read_lines(self, longest: int) -> Iterable[bytes]:
        """Read the lines back; one longer than `longest` bytes comes in parts of that length."""
        self._file.flush()
        with self.path.open("rb") as file:
            while line := file.readline(longest):
                yield line

    def keep_as(self, path: Path) -> None:
        """Give the file its name, durably."""
        self._file.flush()
        os.fsync(self._file.fileno())
        make_folders(path.parent)
        self.path.replace(path)
        flush_folder(path.parent)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._file.close()  # which writes what is still held back, and so may fail too
        finally:
            self.path.unlink(missing_ok=True)
