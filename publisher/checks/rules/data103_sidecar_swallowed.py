"""DATA103 sidecar-swallowed: without `configs`, a JSON file that is no data becomes part of the train split.

Why   where no file is called after a split, `load_dataset` takes every JSON file for rows, and stops with CastError at
      the first whose columns are others.
Fix   name the data files in `configs`.

Bad
    README.md:
        ---
        license: mit
        ---
    rows.jsonl:
        {"prompt": "the ship", "completion": "the red ship"}
        {"prompt": "the plane", "completion": "the white plane"}
    stats.json: ←
        {"scenes": 60, "seed": 7}
Good
    README.md:
        ---
        license: mit
        configs: [{config_name: default, data_files: rows.jsonl}]
        ---
    rows.jsonl:
        {"prompt": "the ship", "completion": "the red ship"}
    stats.json:
        {"scenes": 60, "seed": 7}
Good
    train.jsonl:
        {"prompt": "the ship", "completion": "the red ship"}
    stats.json:
        {"scenes": 60, "seed": 7}
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from publisher.checks.observe.datafiles import DataFiles, reader
from publisher.checks.observe.files import Files
from publisher.checks.observe.readme import README, Metadata
from publisher.checks.observe.target import Heads
from publisher.checks.quoting import quote
from publisher.checks.rule import Edit, Fault, rule
from publisher.records.findings import Severity

_HEAD_BYTES = 1024 * 1024
_MOST = 50  # files; a dataset of more is made by a program that knows what it does


@rule(Severity.ERROR, fixable=True)
def sidecar_swallowed(files: Files, data: DataFiles, heads: Heads, card: Metadata | None) -> Iterator[Fault]:
    """Compare the keys of the JSON files that make one undeclared split with those of the largest, and report once."""
    if len(data.splits) != 1 or data.splits[0].declared or (card is not None and card.get("configs")):
        return
    paths = data.splits[0].paths
    if len(paths) > _MOST or any(reader(path) != "json" for path in paths):
        return
    keys = {path: found for path in paths if (found := _keys(heads.of(path, _HEAD_BYTES)))}
    sizes = {path: entry.size for path in keys if (entry := files.get(path)) is not None}
    if not sizes:
        return
    largest = max(sizes, key=lambda path: sizes[path])
    strangers = [path for path in keys if not keys[path] & keys[largest]]
    kept = json.dumps([path for path in paths if path not in strangers], ensure_ascii=False)
    line = f"configs: [{{config_name: default, data_files: {kept}}}]"
    if not strangers:
        return
    more = f" (and {len(strangers) - 1} more files)" if len(strangers) > 1 else ""
    mendable = card is not None and card.members and README in files
    yield Fault(
        f"`load_dataset` reads this{more} as rows of {quote(largest)}, and they share no column",
        strangers[0],
        hint=f"in the front matter: {line}",
        # Where most files differ it is a store of files, which nobody may want to load.
        severity=Severity.WARNING if len(strangers) > len(keys) / 2 else None,
        edit=Edit(README, card.first_line, line) if mendable and card is not None else None,
    )


def _keys(head: bytes) -> frozenset[str]:
    """The columns of a JSON file's first row; none where it cannot be told."""
    text = head.lstrip()
    for candidate in (text.split(b"\n", 1)[0], text):
        try:
            value = json.loads(candidate)
        except (ValueError, RecursionError):
            continue
        row = value[0] if isinstance(value, list) and value else value
        return frozenset(row) if isinstance(row, dict) else frozenset()
    return frozenset()
