"""Rows that stand in a dataset twice: the same but for case and white space, in one split or across two.

Of each row a hash of eight bytes is kept, and of half a million rows at most: flat memory, whatever the dataset's size.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any

from publisher.checks.observe.datafiles import SplitFiles
from publisher.checks.observe.tablerows import Placed

MOST_ROWS = 500_000
_LEAST_TEXT = 20  # characters: two rows `yes, 1` say nothing
_LEAST_BYTES = 64
_MAX_DEPTH = 20
_NUMBERING = frozenset(
    {"id", "_id", "idx", "index", "uuid", "guid", "row_id", "__index_level_0__", "unnamed: 0", ""}
)


@dataclass(frozen=True)
class Copies:
    """Rows of a split that stand in an earlier split too, or earlier in the same.

    Attributes:
        split: theirs.
        other: the split that has them first.
        count: how many.
        first: the first of them; what it says is not kept.
        original: the place of the row that it repeats.
    """

    split: SplitFiles
    other: SplitFiles
    count: int
    first: Placed
    original: str


class DuplicateFinder:
    """Sees rows one by one, configuration by configuration."""

    def __init__(self, most: int = MOST_ROWS) -> None:
        self._most = most
        self._seen: dict[int, tuple[int, int]] = {}  # hash: index of the file, number of the row
        self._files: list[tuple[SplitFiles, str]] = []
        self._counts: Counter[tuple[SplitFiles, SplitFiles]] = Counter()
        self._firsts: dict[tuple[SplitFiles, SplitFiles], tuple[Placed, str]] = {}
        self.rows: Counter[SplitFiles] = Counter()
        self.full = False

    def see(self, placed: Placed) -> None:
        """Compare a row with those before it."""
        self.rows[placed.split] += 1
        digest = row_digest(placed.row, placed.split.config)
        if digest is None:
            return
        if not self._files or self._files[-1] != (placed.split, placed.path):
            self._files.append((placed.split, placed.path))
        before = self._seen.get(digest)
        if before is None:
            if len(self._seen) < self._most:
                self._seen[digest] = (len(self._files) - 1, placed.number)
            else:
                self.full = True
            return
        other, path = self._files[before[0]]
        pair = (placed.split, other)
        if (path, before[1]) == (placed.path, placed.number):
            return  # one file in two splits: another rule's matter
        self._counts[pair] += 1
        if pair not in self._firsts:
            self._firsts[pair] = (replace(placed, row={}), f"row {before[1]:,} of {path}")

    @property
    def copies(self) -> tuple[Copies, ...]:
        """What was found, split by split."""
        return tuple(Copies(*pair, self._counts[pair], *self._firsts[pair]) for pair in self._firsts)


def row_digest(row: dict[str, Any], config: str) -> int | None:
    """A hash of what a row says; None for a row that says too little to be told from others."""
    digest = blake2b(config.encode("utf-8", "replace"), digest_size=8)
    told = 0
    for name in sorted(row):
        if name.casefold() not in _NUMBERING:
            digest.update(f"\0{name}\0".encode("utf-8", "replace"))
            told += _add(digest, row[name], 0)
    return int.from_bytes(digest.digest(), "big") if told >= _LEAST_TEXT else None


def _add(digest: Any, value: Any, depth: int) -> int:
    """Feed a value; returns how many characters of text it held."""
    if isinstance(value, str):
        text = " ".join(value.casefold().split())
        digest.update(b"s" + text.encode("utf-8", "replace"))
        return len(text)
    if isinstance(value, bytes):
        digest.update(b"b" + blake2b(value, digest_size=16).digest())
        return _LEAST_TEXT if len(value) >= _LEAST_BYTES else 0
    if depth < _MAX_DEPTH and isinstance(value, dict):
        image = isinstance(value.get("bytes"), bytes)  # stored with the name that its file had
        digest.update(b"{")
        return sum(_add(digest, value[key], depth + 1) for key in value if not (image and key == "path"))
    if depth < _MAX_DEPTH and isinstance(value, list):
        digest.update(b"[")
        return sum(_add(digest, item, depth + 1) for item in value)
    if isinstance(value, dict | list):  # too deep to be told apart
        return 0
    digest.update(repr(value).encode("utf-8", "replace"))
    return 0
