"""Where a check's bytes come from: a folder, or one README.md by itself.

Rules never open files. They are fed observations (`target.py`) that are made from a `Source`.
"""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

# What git and `hf download --local-dir` keep beside a repo's files; no client uploads them.
NOT_PART_OF_THE_REPO = frozenset({".git", ".cache/huggingface"})


@dataclass(frozen=True, order=True)
class Entry:
    """One path of the repo, with forward slashes. `size` is in bytes, of what a link points to.

    Attributes:
        readable: False for a broken link, a link to a folder, or what is no regular file (a pipe would block).
        link: the path is a symbolic link.
        outside: the link leads out of the folder, and not into the client's cache, which keeps all files so.
    """

    path: str
    size: int
    readable: bool = True
    link: bool = False
    outside: bool = False


class Source(Protocol):
    """A repo's files, read-only."""

    @property
    def whole(self) -> bool:
        """Whether `entries` is the whole repo; False where a single card was given."""

    @property
    def near(self) -> bool:
        """Whether large files may be read whole; False where each byte comes over a network."""

    def entries(self) -> tuple[Entry, ...]:
        """Every file, sorted by path."""

    def read(self, path: str, *, start: int = 0, limit: int | None = None) -> bytes:
        """A file's bytes from `start`, at most `limit` of them.

        Raises:
            OSError: the file cannot be read.
        """


class FolderSource:
    """All files below a folder. Folders behind links are not entered: they may lead anywhere, or in circles.

    `readme` is a file elsewhere that stands for the folder's README.md.
    """

    whole = True
    near = True

    def __init__(self, folder: Path, readme: Path | None = None) -> None:
        self._folder = os.fsencode(folder)
        self._real: dict[str, bytes] = {}
        found = {entry.path: entry for entry in self._walk()}
        if readme is not None:
            self._real["README.md"] = os.fsencode(readme)
            found["README.md"] = Entry("README.md", readme.stat().st_size)
        self._entries = tuple(sorted(found.values()))
        self._closed = frozenset(entry.path for entry in self._entries if not entry.readable)

    def entries(self) -> tuple[Entry, ...]:
        """Every file, sorted by path."""
        return self._entries

    def read(self, path: str, *, start: int = 0, limit: int | None = None) -> bytes:
        """A file's bytes from `start`, at most `limit` of them."""
        if path in self._closed:  # opening a pipe would wait, and a device may never end
            raise OSError(errno.EINVAL, "not a file that can be read", path)
        with open(self._real[path], "rb") as file:
            file.seek(start)
            return file.read() if limit is None else file.read(limit)

    def _walk(self) -> list[Entry]:
        found: list[Entry] = []
        pending = [b""]
        while pending:
            inside = pending.pop()
            try:
                children = os.scandir(os.path.join(self._folder, inside))
            except PermissionError:
                found.append(Entry(f"{inside.decode('utf-8', 'backslashreplace')}/", 0, readable=False))
                continue
            with children:
                for child in children:
                    relative = os.path.join(inside, child.name)
                    if os.fsdecode(relative) in NOT_PART_OF_THE_REPO:
                        continue
                    if child.is_dir(follow_symlinks=False):
                        pending.append(relative)
                    else:
                        found.append(self._entry(relative, child))
        return found

    def _entry(self, relative: bytes, child: os.DirEntry[bytes]) -> Entry:
        # File names are bytes; what is not UTF-8 must still be printable.
        path = relative.decode("utf-8", "backslashreplace").replace(os.sep, "/")
        self._real[path] = os.path.join(self._folder, relative)
        try:
            state = child.stat()
        except OSError:
            return Entry(path, 0, readable=False, link=child.is_symlink())
        regular = stat.S_ISREG(state.st_mode)
        link = child.is_symlink()
        return Entry(
            path, state.st_size if regular else 0, regular, link, link and self._leads_out(child.path)
        )

    def _leads_out(self, link: bytes) -> bool:
        real = os.path.realpath(link)
        return b"/blobs/" not in real and not real.startswith(
            os.path.realpath(self._folder) + os.sep.encode()
        )


class CardSource:
    """One card, whatever its file is called; it is shown and judged as `README.md`."""

    whole = False
    near = True

    def __init__(self, readme: Path) -> None:
        self._readme = readme
        self._entry = Entry("README.md", readme.stat().st_size)

    def entries(self) -> tuple[Entry, ...]:
        """The card."""
        return (self._entry,)

    def read(self, path: str, *, start: int = 0, limit: int | None = None) -> bytes:
        """The card's bytes from `start`, at most `limit` of them."""
        if path != self._entry.path:
            raise FileNotFoundError(path)
        with self._readme.open("rb") as file:
            file.seek(start)
            return file.read() if limit is None else file.read(limit)
