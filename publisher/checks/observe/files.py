"""The repo's file list, and what kind of repo it makes."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from itertools import islice

from publisher.checks.observe.globs import Glob
from publisher.checks.source import Entry

DATA_SUFFIXES = (".parquet", ".jsonl", ".csv", ".tsv", ".arrow", ".ndjson")
DATASET_KEYS = frozenset(
    {"configs", "dataset_info", "task_categories", "size_categories", "annotations_creators"}
)


class RepoKind(StrEnum):
    """What a target is, by its files first and its card second."""

    ADAPTER = "adapter"
    MODEL = "model"
    DATASET = "dataset"
    CARD = "card"  # a card alone: what it belongs to is unknown


@dataclass(frozen=True)
class Files:
    """All files of a repo, sorted by path."""

    entries: tuple[Entry, ...]

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)

    def __contains__(self, path: object) -> bool:
        return path in self._by_path

    def get(self, path: str) -> Entry | None:
        """The file of that path."""
        return self._by_path.get(path)

    @cached_property
    def _by_path(self) -> dict[str, Entry]:
        return {entry.path: entry for entry in self.entries}

    @cached_property
    def _paths(self) -> list[str]:
        return [entry.path for entry in self.entries]

    def matching(self, pattern: str) -> tuple[Entry, ...]:
        """Files whose path matches a glob as `datasets` reads it: `*` stays in a folder, `**` does not."""
        glob = Glob(pattern)
        found = {}
        for prefix in glob.prefixes:
            first = bisect_left(self._paths, prefix)
            for entry in islice(self.entries, first, None):
                if not entry.path.startswith(prefix):
                    break
                if glob.matches(entry.path):
                    found[entry.path] = entry
        return tuple(found.values())

    def ending(self, *suffixes: str) -> tuple[Entry, ...]:
        """Files whose path ends so."""
        return tuple(entry for entry in self.entries if entry.path.endswith(suffixes))


def recognise(files: Files | None, metadata_keys: frozenset[str]) -> RepoKind:
    """What kind of repo these files, or this card's front-matter keys, make."""
    if files is not None:
        if "adapter_config.json" in files:
            return RepoKind.ADAPTER
        if "config.json" in files or files.ending(".safetensors", ".gguf"):
            return RepoKind.MODEL
        if files.ending(*DATA_SUFFIXES):
            return RepoKind.DATASET
    return RepoKind.DATASET if DATASET_KEYS & metadata_keys else RepoKind.CARD
