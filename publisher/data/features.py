"""What `datasets` writes into a card's `dataset_info`, from the Parquet files themselves: columns' types, bytes in memory."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from publisher.data.installed import installed
from publisher.data.rows import parquet_splits
from publisher.records.facts import Json

# Arrow's names of plain types that `datasets` calls by another name.
_RENAMED = {
    "halffloat": "float16",
    "float": "float32",
    "double": "float64",
    "date32[day]": "date32",
    "date64[ms]": "date64",
}
_PLAIN = re.compile(
    r"u?int(?:8|16|32|64)|float(?:16|32|64)|bool|null|(?:large_)?(?:string|binary)|date(?:32|64)"
    r"|timestamp\[(?:s|ms|us|ns)(?:, tz=[^\]]+)?\]"
)
_LISTS = {"List": "list", "Sequence": "list", "LargeList": "large_list"}
_DEFAULTS = {"decode": True, "mode": None, "id": None, "length": -1}


def memory_bytes(folder: Path) -> dict[str, int]:
    """Bytes of each split as Arrow tables: what `datasets` writes to its cache and calls `num_bytes`.

    Read a row group at a time, in the portions in which `datasets` reads them: offsets count once a portion.

    Raises:
        HubpubError: HP-D01, no Parquet files; HP-E01, no pyarrow.
    """
    form = installed("pyarrow.dataset").ParquetFileFormat()
    return {
        split: sum(batch.nbytes for path in paths for batch in _batches(form, path))
        for split, paths in parquet_splits(folder).items()
    }


def features(folder: Path) -> list[Json] | None:
    """The columns in the Hub's form: `{"name": …, "dtype": …}` each. None where one has a type without such a form.

    Raises:
        HubpubError: HP-D01, no Parquet files; HP-E01, no pyarrow.
    """
    first = next(path for paths in parquet_splits(folder).values() for path in paths)
    schema = installed("pyarrow.parquet").read_schema(first)
    declared = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))
    typed = declared.get("info", {}).get("features") or {field.name: _typed(field.type) for field in schema}
    named = [
        {"name": name, **form} for name, feature in typed.items() if (form := _form(feature)) is not None
    ]
    return named if len(named) == len(typed) else None


def _batches(form: Any, path: Path) -> Iterator[Any]:
    with path.open("rb") as file:
        fragment = form.make_fragment(file)
        if fragment.row_groups:
            size = fragment.row_groups[0].num_rows
            yield from fragment.to_batches(batch_size=size, batch_readahead=0, fragment_readahead=0)


def _typed(arrow: Any) -> Json:
    """A feature as `datasets` would tell it from a file without its own record."""
    types = installed("pyarrow").types
    if types.is_struct(arrow):
        return {arrow.field(i).name: _typed(arrow.field(i).type) for i in range(arrow.num_fields)}
    if types.is_list(arrow):
        return {"feature": _typed(arrow.value_type), "_type": "List"}
    if types.is_large_list(arrow):
        return {"feature": _typed(arrow.value_type), "_type": "LargeList"}
    return {"dtype": _RENAMED.get(str(arrow), str(arrow)), "_type": "Value"}


def _form(feature: Json) -> dict[str, Json] | None:
    """A feature's JSON in the form of a card; None where it has none that is known here."""
    if isinstance(feature, list):  # an older way to write lists
        feature = {"feature": feature[0], "_type": "List"} if len(feature) == 1 else None
    if not isinstance(feature, Mapping):
        return None
    kind = feature.get("_type")
    rest = {
        key: value for key, value in feature.items() if _DEFAULTS.get(key, ...) != value and key != "_type"
    }
    if kind == "Value":
        return {"dtype": rest["dtype"]} if _PLAIN.fullmatch(str(rest.get("dtype"))) else None
    if kind in ("Image", "Audio") and not rest:
        return {"dtype": kind.lower()}
    if kind == "ClassLabel" and isinstance(names := rest.get("names"), list):
        return {"dtype": {"class_label": {"names": {str(label): name for label, name in enumerate(names)}}}}
    if kind in _LISTS:
        return _list(_LISTS[kind], rest)
    return None if kind else _struct(rest)


def _list(word: str, rest: Mapping[str, Json]) -> dict[str, Json] | None:
    inner = rest.get("feature")
    # A sequence of structs is a struct of sequences to `datasets`: too odd to be guessed at.
    item = _form(inner) if rest.keys() == {"feature"} else None
    if item is None:
        return None
    return {word: next(iter(item.values())) if item.keys() in ({"dtype"}, {"struct"}) else item}


def _struct(parts: Mapping[str, Json]) -> dict[str, Json] | None:
    forms = {name: _form(part) for name, part in parts.items()}
    if not forms or None in forms.values():
        return None
    return {"struct": [{"name": name, **(form or {})} for name, form in forms.items()]}
