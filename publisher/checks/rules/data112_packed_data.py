"""DATA112 packed-data: all data lie in archives.

Why   the Hub's viewer shows no rows of an archive that it cannot make sense of, and nobody can look before downloading.
Fix   publish Parquet (`dataset.push_to_hub` does), or WebDataset shards.

Bad
    README.md:
        ---
        license: mit
        task_categories: [image-segmentation]
        ---
    all.zip: ←
Good
    README.md:
        ---
        license: mit
        task_categories: [image-segmentation]
        ---
    data/train-00000-of-00001.parquet:
    raw.zip:
"""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.observe.files import DATA_SUFFIXES, Files, RepoKind
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity

_ARCHIVES = (".zip", ".rar", ".7z", ".tar.gz", ".tgz")
_ROWS = (
    *DATA_SUFFIXES,
    ".json",
    ".json.gz",
    ".jsonl.gz",
    ".jsonl.zst",
    ".csv.gz",
    ".txt",
    ".tar",
    ".lance",
    ".h5",
)
_MEDIA = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".wav", ".mp3", ".flac", ".mp4", ".pdf")


@rule(Severity.NOTE)
def packed_data(files: Files, kind: RepoKind) -> Iterator[Fault]:
    """Report a dataset of archives only."""
    archives = files.ending(*_ARCHIVES)
    if kind is RepoKind.DATASET and archives and not files.ending(*_ROWS, *_MEDIA):
        yield Fault("the dataset is archives only", archives[0].path, hint="publish Parquet")
