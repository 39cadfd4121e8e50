"""DATA102 split-sizes: `dataset_info` counts other rows than the files hold, or other splits.

Why   `load_dataset` compares them and stops with NonMatchingSplitsSizesError, ExpectedMoreSplitsError or
      UnexpectedSplitsError.
Fix   write the number that the files hold, or let `push_to_hub` write the block.

Bad
    README.md:
        ---
        license: mit
        dataset_info:
          splits:
          - name: train
            num_examples: 3 ←
        ---
    data/train-00000-of-00001.parquet (Parquet):
        {"text": "one"}
        {"text": "two"}
Bad
    README.md:
        ---
        license: mit
        dataset_info:
          splits:
          - name: train
            num_examples: 1 ←
        ---
    data/train-00000-of-00001.parquet (Parquet):
        {"text": "one"}
    data/test-00000-of-00001.parquet (Parquet):
        {"text": "two"}
Good
    README.md:
        ---
        license: mit
        dataset_info:
          splits:
          - name: train
            num_examples: 2
        ---
    data/train-00000-of-00001.parquet (Parquet):
        {"text": "one"}
        {"text": "two"}
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from publisher.checks.observe.datafiles import DataFiles, SplitFiles, reader
from publisher.checks.observe.footers import MOST_FILES, Footers
from publisher.checks.observe.readme import README, Metadata
from publisher.checks.observe.schema import Info, declared_info
from publisher.checks.observe.target import Absent
from publisher.checks.quoting import quote
from publisher.checks.rule import Edit, Fault, Skip, rule
from publisher.records.findings import Severity


@rule(Severity.ERROR, fixable=True)
def split_sizes(card: Metadata, data: DataFiles, footers: Footers) -> Iterator[Fault | Skip]:
    """Compare the splits whose files are all Parquet; others cannot be counted without reading them."""
    configs = {split.config for split in data.splits}
    for info in declared_info(card):
        splits = {s.split: s for s in data.splits if info.covers(s.config, alone=len(configs) == 1)}
        yield from _names(info, splits)
        for name, number in info.splits.items():
            if name not in splits:
                continue
            rows = _rows(splits[name], footers)
            if isinstance(rows, Skip):
                yield rows
            elif rows is not None and rows != number.data:
                yield Fault(
                    f"`dataset_info` counts {number.data:,} rows in {quote(name)}, its files hold {rows:,}",
                    README,
                    number.line,
                    number.column,
                    hint=f"num_examples: {rows}",
                    edit=Edit(README, number.line, str(rows), number.column, number.raw),
                )


def _names(info: Info, splits: Mapping[str, SplitFiles]) -> Iterator[Fault]:
    """Splits on one side only; nothing where some files are of a format that is not followed here."""
    if not info.splits or not splits or not all(_is_followed(split) for split in splits.values()):
        return
    last = max(info.splits.values(), key=lambda number: number.line)
    for name in splits.keys() - info.splits.keys():
        hint = f"add the split {name} to `dataset_info`"
        yield Fault(f"`dataset_info` does not count the split {quote(name)}", README, last.line, hint=hint)
    if any(split.declared for split in splits.values()):
        return  # a split whose files are not there is told by the patterns
    for name in info.splits.keys() - splits.keys():
        place = info.splits[name]
        yield Fault(
            f"no file holds the split {quote(name)}", README, place.line, hint="take it out, or add the files"
        )


def _is_followed(split: SplitFiles) -> bool:
    return all(reader(path) == "parquet" for path in split.paths)


def _rows(split: SplitFiles, footers: Footers) -> int | Skip | None:
    if not _is_followed(split):
        return None
    if len(split.paths) > MOST_FILES:
        return Skip(f"{len(split.paths):,} Parquet files, more than are opened for a check")
    total = 0
    for path in split.paths:
        footer = footers.of(path)
        if isinstance(footer, Absent):
            return Skip(footer.reason)
        total += footer.rows
    return total
