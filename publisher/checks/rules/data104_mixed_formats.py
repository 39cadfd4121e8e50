"""DATA104 mixed-formats: the splits of one configuration have files of different formats.

Why   `load_dataset` picks one reader for a whole configuration and stops with FileFormatMismatchBetweenSplitsError.
Fix   convert the files to one format, or make two configurations.

Bad
    README.md:
        ---
        license: mit
        configs:
        - config_name: default
          data_files:
          - split: train
            path: train.jsonl
          - split: test
            path: test.csv ←
        ---
Good
    README.md:
        ---
        license: mit
        configs:
        - config_name: default
          data_files:
          - split: train
            path: data/train-*.parquet
          - split: test
            path: data/test-*
        ---
"""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.observe.frontmatter import Value
from publisher.checks.observe.readme import README, Metadata
from publisher.checks.observe.splits import declared_splits
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity

# The reader that `datasets` takes for an ending (its packaged modules).
_READERS = {
    "parquet": "parquet", "csv": "csv", "tsv": "csv", "json": "json", "jsonl": "json", "ndjson": "json",
    "arrow": "arrow", "txt": "text", "xml": "xml",
}  # fmt: skip
_PACKED = (".gz", ".zst", ".bz2", ".xz", ".zip")


@rule(Severity.ERROR)
def mixed_formats(card: Metadata) -> Iterator[Fault]:
    """Compare the patterns that end in a known format, configuration by configuration."""
    readers: dict[str, str] = {}
    reported: set[str] = set()
    for split in declared_splits(card):
        for pattern in split.patterns:
            reader = _reader(pattern)
            if reader is None:
                continue
            first = readers.setdefault(split.config, reader)
            if reader != first and split.config not in reported:
                reported.add(split.config)
                yield Fault(
                    f"{reader} files here, {first} files in another split",
                    README,
                    pattern.line,
                    pattern.column,
                    hint="one format, or two configurations",
                )


def _reader(pattern: Value) -> str | None:
    name = str(pattern.data).casefold()
    for ending in _PACKED:
        name = name.removesuffix(ending)
    return _READERS.get(name.rpartition("/")[2].rpartition(".")[2])
