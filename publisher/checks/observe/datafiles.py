"""Which of a dataset's files make which split: as its card says, else as `datasets` guesses by their names.

Its rules (data_files.py of datasets 5.2): shards in `data/`, then folders that are called as a split, then files that
are; where no name says anything, every file is of the train split.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

from publisher.checks.observe.files import Files, RepoKind
from publisher.checks.observe.readme import Metadata
from publisher.checks.observe.splits import declared_splits
from publisher.checks.observe.target import Absent, RepoView

# The reader that `datasets` takes for an ending (its packaged modules), as far as a check reads files itself.
READERS = {
    "parquet": "parquet", "csv": "csv", "tsv": "csv", "json": "json", "jsonl": "json", "ndjson": "json",
}  # fmt: skip
# Endings that it reads in ways that are not followed here: where they are the commonest, tables beside them are no data.
_OTHERS = frozenset(
    (
        "arrow", "txt", "tar", "xml", "lance", "vortex", "h5", "hdf5", "eval", "pdf", "nii", "zip",
        "png", "jpg", "jpeg", "gif", "webp", "bmp", "tif", "tiff",
        "wav", "mp3", "flac", "ogg", "opus", "m4a", "mp4", "avi", "mkv", "mov", "webm",
    )
)  # fmt: skip
# What `datasets` never takes for data.
_IGNORED = frozenset(
    {
        "README.md", "config.json", "dataset_info.json", "dataset_infos.json", "dummy_data.zip", "dataset_dict.json",
    }
)  # fmt: skip
METADATA = ("metadata.csv", "metadata.jsonl", "metadata.parquet")
_SPLITS = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "dev", "val"),
    "test": ("test", "testing", "eval", "evaluation"),
}
_SHARD = re.compile(r"data/(?P<split>[^/]+?)-\d{5}-of-\d{5}[^/]*", re.ASCII)


@dataclass(frozen=True)
class SplitFiles:
    """The files of one split. `declared`: the card's `configs` say so."""

    config: str
    split: str
    paths: tuple[str, ...]
    declared: bool = False


@dataclass(frozen=True)
class DataFiles:
    """All splits whose files a check can read, in order."""

    splits: tuple[SplitFiles, ...]

    @classmethod
    def observe(cls, view: RepoView) -> DataFiles | Absent:
        """By the card where it says, else by the files' names."""
        files, kind, card = view.observe(Files), view.observe(RepoKind), view.observe(Metadata)
        if isinstance(files, Absent):
            return files
        if kind is not RepoKind.DATASET:
            return Absent("no dataset", missing=True)
        declared = () if isinstance(card, Absent) else _declared(card, files)
        splits = declared or guessed(files)
        return cls(splits) if splits else Absent("no data files", missing=True)


def reader(path: str) -> str | None:
    """The reader of a file's ending; None: one that is not read here."""
    return READERS.get(path.rpartition("/")[2].rpartition(".")[2].casefold())


def named_split(path: str) -> str | None:
    """The split that a path is called after: its folders first, then its name."""
    *folders, name = path.split("/")
    for part in (*folders, name):
        for split, words in _SPLITS.items():
            if any(re.search(rf"(?:^|[-._ 0-9]){word}(?:[-._ 0-9]|$)", part) for word in words):
                return split
    return None


def data_paths(files: Files) -> tuple[str, ...]:
    """The files that `datasets` would load: of the commonest format that it reads, hidden ones left out."""
    paths = [
        entry.path
        for entry in files
        if entry.readable
        and entry.path.rpartition("/")[2] not in _IGNORED
        and not any(part.startswith((".", "__")) for part in entry.path.split("/"))
    ]
    endings = Counter(
        ending
        for path in paths
        if not path.endswith(METADATA)
        for ending in path.rpartition("/")[2].casefold().split(".")[1:]
        if ending in READERS or ending in _OTHERS
    )
    if not endings:
        return tuple(path for path in paths if path.endswith(METADATA))
    common = max(
        endings,
        key=lambda each: (
            endings[each],
            each == "parquet",
            each == "jsonl",
            each == "json",
            each == "csv",
            each,
        ),
    )
    if common not in READERS:  # a folder of images or sounds, with a table of what they are
        return tuple(path for path in paths if path.endswith(METADATA))
    return tuple(path for path in paths if reader(path) == READERS[common] and not path.endswith(METADATA))


def guessed(files: Files) -> tuple[SplitFiles, ...]:
    """The splits by their files' names."""
    paths = data_paths(files)
    shards = {path: match["split"] for path in paths if (match := _SHARD.fullmatch(path))}
    named = shards or {path: split for path in paths if (split := named_split(path))}
    found: dict[str, list[str]] = {}
    for path in named or paths:
        found.setdefault(named.get(path, "train"), []).append(path)
    return tuple(SplitFiles("default", split, tuple(of)) for split, of in found.items())


def _declared(card: Metadata, files: Files) -> tuple[SplitFiles, ...]:
    folders = _folders(card)
    found = []
    for split in declared_splits(card):
        paths: dict[str, None] = {}
        for pattern in split.patterns:
            text = str(pattern.data).removeprefix("./")
            folder = folders.get(split.config, "")
            for entry in () if "://" in text else files.matching(f"{folder}/{text}" if folder else text):
                if entry.readable and reader(entry.path) is not None:
                    paths[entry.path] = None
        if paths:
            found.append(SplitFiles(split.config, split.name, tuple(paths), declared=True))
    return tuple(found)


def _folders(card: Metadata) -> dict[str, str]:
    """The `data_dir` of each configuration by its name."""
    configs = card.get("configs")
    items = configs.items if configs is not None and isinstance(configs.items, tuple) else ()
    found = {}
    for index, config in enumerate(items):
        members = config.items if isinstance(config.items, dict) else {}
        title = str(members["config_name"].data) if "config_name" in members else f"{index}"
        folder = str(members["data_dir"].data) if "data_dir" in members else ""
        found[title] = "" if folder in (".", "./") else folder.removeprefix("./").strip("/")
    return found
