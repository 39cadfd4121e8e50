"""DATA101 features: the columns of a data file are not the features that `dataset_info` declares.

Why   `load_dataset` casts every file to the declared features and stops with CastError at a column that is not among
      them, or whose values are of another kind.
Fix   declare what the files hold, or let `push_to_hub` write the block.

Bad
    README.md:
        ---
        license: mit
        dataset_info:
          features: ←
          - name: text
            dtype: string
        ---
    data/train-00000-of-00001.parquet (Parquet):
        {"text": "one", "label": 1}
Bad
    README.md:
        ---
        license: mit
        dataset_info:
          features:
          - name: text
            dtype: int64 ←
        ---
    data/train-00000-of-00001.parquet (Parquet):
        {"text": "one"}
Bad
    README.md:
        ---
        license: mit
        dataset_info:
          features: ←
          - name: text
            dtype: string
        ---
    train.jsonl:
        {"text": "one", "label": 1}
Good
    README.md:
        ---
        license: mit
        dataset_info:
          features:
          - name: text
            dtype: string
          - name: label
            dtype:
              class_label:
                names:
                  '0': neg
                  '1': pos
        ---
    data/train-00000-of-00001.parquet (Parquet):
        {"text": "one", "label": 1}
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from publisher.checks.observe.datafiles import METADATA, DataFiles, SplitFiles, reader
from publisher.checks.observe.footers import MOST_FILES, Footer, Footers
from publisher.checks.observe.readme import README, Metadata
from publisher.checks.observe.schema import Feature, Info, declared_info
from publisher.checks.observe.target import Absent, Heads
from publisher.checks.quoting import quote
from publisher.checks.rule import Edit, Fault, Skip, rule
from publisher.records.findings import Severity

_HEAD_BYTES = 1024 * 1024
_MOST_HEADS = 50  # JSON and CSV files of a split that are opened
_PLAIN = frozenset({"config_name", "data_files", "data_dir", "default", "description"})
_SCALARS = {
    "text": ("string", "large_string"),
    "number": ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float32", "float64"),
    "truth": ("bool",),
}  # fmt: skip
_FAMILIES = {dtype: family for family, dtypes in _SCALARS.items() for dtype in dtypes}
_FAMILIES |= {"list": "list", "struct": "struct"}
# An Arrow cast writes these as the other; texts become numbers only if they are some.
_CAST = {("text", "number"), ("text", "truth"), ("number", "truth"), ("truth", "number")}


@rule(Severity.ERROR, fixable=True)
def features(card: Metadata, data: DataFiles, footers: Footers, heads: Heads) -> Iterator[Fault | Skip]:
    """Compare each declared configuration with its files; of each split the first file that differs."""
    configs = {split.config for split in data.splits}
    told = _with_options(card)
    said: set[tuple[str, int]] = set()
    for info in declared_info(card):
        for split in data.splits if info.features else ():
            if split.config in told or not info.covers(split.config, alone=len(configs) == 1):
                continue
            for outcome in _compared(info, split, footers, heads):
                key = ("", 0) if isinstance(outcome, Skip) else (outcome.message, outcome.line or 0)
                if isinstance(outcome, Skip) or key not in said:
                    said.add(key)
                    yield outcome


def _with_options(card: Metadata) -> set[str]:
    """Configurations that tell the reader more than which files: other columns, a separator, a header."""
    configs = card.get("configs")
    items = configs.items if configs is not None and isinstance(configs.items, tuple) else ()
    members = [config.items for config in items if isinstance(config.items, dict)]
    return {
        str(each["config_name"].data) for each in members if "config_name" in each and each.keys() - _PLAIN
    }


def _compared(info: Info, split: SplitFiles, footers: Footers, heads: Heads) -> Iterator[Fault | Skip]:
    for path in split.paths[:_MOST_HEADS]:
        columns = _text_columns(path, heads)
        if {feature.name for feature in info.features} & set(columns):
            faults = [*_extra(info, path, columns)]
            yield from faults
            if faults:
                return
    paths = [path for path in split.paths if reader(path) == "parquet"]
    if len(paths) > MOST_FILES:
        yield Skip(f"{len(paths):,} Parquet files, more than are opened for a check")
        return
    for path in paths:
        footer = footers.of(path)
        if isinstance(footer, Absent):
            yield Skip(footer.reason)
            return
        faults = [*_columns(info, path, footer), *_types(info, path, footer)]
        yield from faults
        if faults:
            return


def _columns(info: Info, path: str, footer: Footer) -> Iterator[Fault]:
    declared = {feature.name: feature for feature in info.features}
    yield from _extra(info, path, footer.columns)
    for name, feature in declared.items():
        if name not in footer.columns:
            yield Fault(
                f"{path} has no column {quote(name)}, which `features` declares",
                README,
                feature.value.line,
                feature.value.column,
                hint="its values would be empty in every row",
                severity=Severity.WARNING,
            )


def _text_columns(path: str, heads: Heads) -> tuple[str, ...]:
    """The columns of a JSON or CSV file's first row; none where they cannot be told."""
    if reader(path) not in ("json", "csv") or path.endswith(METADATA):
        return ()
    first = heads.of(path, _HEAD_BYTES).split(b"\n", 1)[0].decode("utf-8-sig", "replace").rstrip("\r")
    if reader(path) == "csv":
        names = first.split("\t" if path.casefold().endswith(".tsv") else ",")
        quoted = '"' in first  # such a name may go on in the next line
        return () if quoted else tuple(name or f"Unnamed: {index}" for index, name in enumerate(names))
    try:
        row = json.loads(first)
    except (ValueError, RecursionError):
        return ()
    return tuple(row) if isinstance(row, dict) else ()


def _extra(info: Info, path: str, columns: tuple[str, ...]) -> Iterator[Fault]:
    declared = {feature.name for feature in info.features}
    extra = [column for column in columns if column not in declared]
    if extra:
        yield Fault(
            f"{path} has {len(extra)} column{'s' * (len(extra) > 1)} that `features` does not declare, such as {quote(extra[0])}",
            README,
            info.features_line,
            hint="declare it, or take it out of the file",
        )


def _types(info: Info, path: str, footer: Footer) -> Iterator[Fault]:
    held = dict(zip(footer.columns, footer.types, strict=True))
    for feature in info.features:
        kind, found = feature.kind, held.get(feature.name)
        declared_as, found_as = _FAMILIES.get(kind or ""), _FAMILIES.get(found or "")
        if declared_as is None or found_as is None or declared_as == found_as:
            continue
        if (declared_as, found_as) in _CAST:
            continue
        place = feature.dtype or feature.value
        yield Fault(
            f"{quote(feature.name)} is declared as {kind}, {path} holds {found}",
            README,
            place.line,
            place.column,
            hint=f"dtype: {found}" if _scalar(feature, found) else f"declare a {found}",
            edit=Edit(README, place.line, found or "", place.column, place.raw)
            if _scalar(feature, found)
            else None,
        )


def _scalar(feature: Feature, found: str | None) -> bool:
    return feature.dtype is not None and found not in ("list", "struct", None)
