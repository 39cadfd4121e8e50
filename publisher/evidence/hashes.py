"""The hash cache: what a file's sha256 was when stat last said the same of it. For planning only, never for proof.

An entry counts while size, time of change, time of change of the inode, and inode are what they were. A file that was
changed in the same tick of the clock as it was hashed looks unchanged to stat; as git does with its index, an entry
that is not older than the cache's own file is therefore hashed again.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from publisher.evidence.files import load_json, sha256_of
from publisher.manifest.lock import write_whole
from publisher.records.artifacts import FileRecord
from publisher.records.digest import canonical_json

SCHEMA = "hubpub/hashes/1"
SECOND = 1_000_000_000
TICK = 20_000_000  # nanoseconds: kernels stamp files with a clock that moves every few milliseconds

Stamp = tuple[int, int, int, int]  # size in bytes, mtime in ns, ctime in ns, inode


class HashCache:
    """Sha256 of files, remembered by what stat says of them.

    Paths are kept relative to the cache's folder, so that a project may be moved.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._known: dict[str, tuple[Stamp, str]] = {}
        self._written = 0
        self._changed = False
        kept = load_json(file)
        if kept.get("schema") == SCHEMA and isinstance(entries := kept["files"], dict):
            self._written = file.stat().st_mtime_ns
            self._known = {path: (tuple(stamp), sha256) for path, (*stamp, sha256) in entries.items()}

    def sha256(self, file: Path) -> str:
        """The file's sha256, in hex; read only where stat does not vouch for what is remembered.

        Raises:
            FileNotFoundError: there is no such file.
        """
        path = os.path.relpath(file, self._file.parent)
        before = _stamp(file)
        stamp, known = self._known.get(path, (None, ""))
        if stamp == before and not self._racy(before):
            return known
        found = sha256_of(file)
        if _stamp(file) == before:  # else it was written while it was read
            self._known[path] = (before, found)
            self._changed = True
        return found

    def holds(self, folder: Path, files: Iterable[FileRecord]) -> bool:
        """Whether every file of an inventory is in the folder, with the bytes that it had."""
        try:
            return all(
                (folder / record.path).stat().st_size == record.size
                and self.sha256(folder / record.path) == record.sha256
                for record in files
            )
        except FileNotFoundError:
            return False

    def learn(self, folder: Path, files: Iterable[FileRecord]) -> None:
        """Take over what an inventory has just hashed."""
        for record in files:
            file = folder / record.path
            self._known[os.path.relpath(file, self._file.parent)] = (_stamp(file), record.sha256)
            self._changed = True

    def save(self) -> None:
        """Write what was learned, in one step; without news, nothing. Files that are gone are forgotten."""
        if not self._changed:
            return
        entries = {
            path: [*stamp, sha256]
            for path, (stamp, sha256) in self._known.items()
            if (self._file.parent / path).exists()
        }
        write_whole(self._file, canonical_json({"schema": SCHEMA, "files": entries}) + "\n")
        self._written = self._file.stat().st_mtime_ns
        self._changed = False

    def _racy(self, stamp: Stamp) -> bool:
        """Whether the file may have been changed after it was hashed without stat showing it."""
        _, mtime, ctime, _ = stamp
        coarse = mtime % SECOND == 0  # a file system that counts in seconds
        return max(mtime, ctime) >= self._written - (SECOND if coarse else TICK)


@contextmanager
def hash_cache(file: Path) -> Iterator[HashCache]:
    """A cache that is written when the block ends, however it ends."""
    cache = HashCache(file)
    try:
        yield cache
    finally:
        cache.save()


def _stamp(file: Path) -> Stamp:
    stat = file.stat()
    return stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino
