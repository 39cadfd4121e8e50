"""DATA100 data-files: a configuration of the dataset names files that are not there, or has no name.

Why   `load_dataset` and the viewer follow `configs`; a pattern that meets no file is an error for every reader.
Fix   correct the pattern; give each entry a `config_name`, also where there is only one.

Bad
    README.md:
        ---
        license: mit
        configs:
        - config_name: default
          data_files:
          - split: train
            path: data/train-*.parquet
          - split: test
            path: data/test-*.parquet ←
        ---
    data/train-00000-of-00001.parquet:
Bad
    README.md:
        ---
        license: mit
        configs:
        - data_files: train.jsonl ←
        ---
    train.jsonl:
        {"a": 1}
Good
    README.md:
        ---
        license: mit
        configs:
        - config_name: default
          data_files:
          - split: train
            path: data/train-*.parquet
        ---
    data/train-00000-of-00001.parquet:
"""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.observe.files import Files
from publisher.checks.observe.frontmatter import Value
from publisher.checks.observe.readme import README, Metadata
from publisher.checks.quoting import quote
from publisher.checks.rule import Fault, Skip, rule
from publisher.records.findings import Severity

_MOST = 2000  # patterns; a card with more is checked as far as that


@rule(Severity.ERROR)
def data_files(card: Metadata, files: Files) -> Iterator[Fault | Skip]:
    """Report unnamed configurations and patterns without a file."""
    configs = card.get("configs")
    if configs is None or not isinstance(configs.items, tuple):
        return
    looked_up = 0
    for config in configs.items:
        members = config.items if isinstance(config.items, dict) else {}
        if "config_name" not in members:
            yield Fault(
                "a configuration without `config_name`",
                README,
                config.line,
                config.column,
                hint="config_name: default",
            )
        folder = members["data_dir"].data if "data_dir" in members else ""
        for pattern in _patterns(members.get("data_files")):
            looked_up += 1
            if looked_up > _MOST:
                yield Skip(f"only the first {_MOST} patterns were looked up")
                return
            if "://" not in pattern.data and not files.matching(_join(str(folder), pattern.data)):
                yield Fault(
                    f"no file is named {quote(pattern.data)}",
                    README,
                    pattern.line,
                    pattern.column,
                    hint="correct the pattern, or add the file",
                )


def _patterns(value: Value | None) -> Iterator[Value]:
    """All patterns below `data_files`: a text, a list, a mapping of splits, or a list of {split, path}."""
    if value is None:
        return
    if isinstance(value.items, dict):
        for item in [value.items["path"]] if "path" in value.items else value.items.values():
            yield from _patterns(item)
    elif isinstance(value.items, tuple) and value.items:
        for item in value.items:
            yield from _patterns(item)
    elif isinstance(value.data, str):
        yield value


def _join(folder: str, pattern: str) -> str:
    folder = folder.removeprefix("./").strip("/")
    return f"{folder}/{pattern}" if folder and folder != "." else pattern
