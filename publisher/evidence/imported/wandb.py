"""Weights & Biases: a run's history as CSV or JSON, a chart's CSV, `wandb-summary.json` and `config.yaml`."""

from __future__ import annotations

import re
from collections.abc import Mapping

from publisher.evidence.imported.arguments import settings_of
from publisher.evidence.imported.document import Document
from publisher.evidence.imported.fields import Values
from publisher.evidence.imported.history import plain, told
from publisher.records.facts import Json

# A chart's column: the run's name, the metric, and the least and greatest of what one point stands for.
CHARTED = re.compile(r"(?P<run>.+) - (?P<metric>\S+?)(?P<edge>__MIN|__MAX)?")
LAST = ("train_runtime", "train_loss")  # of a summary, what closes a run; the rest is whatever came last


def wandb(document: Document) -> Values | None:
    """What the file tells; None where it is another.

    Raises:
        HubpubError: HP-A08; also a chart of several runs, of which one cannot know which is meant.
    """
    config = document.mapping("_wandb")
    if config and isinstance(config["_wandb"], dict) and "value" in config["_wandb"]:
        return settings_of(document, {key: _unwrapped(value) for key, value in config.items()})
    if summary := document.mapping("_runtime", "_step") or document.mapping("_timestamp", "_step"):
        if all(isinstance(value, dict) for value in summary.values()):
            return _history(document, _transposed(summary))
        return _summary(document, summary)
    if any("_step" in row for row in document.rows):
        return _history(document, document.rows)
    charted = [_uncharted(document, row) for row in document.rows]
    if any("loss" in map(plain, row) for row in charted) and any(_is_chart(row) for row in document.rows):
        return _history(document, charted)
    return None


def _unwrapped(value: Json) -> Json:
    return value["value"] if isinstance(value, dict) and "value" in value else value


def _history(document: Document, rows: list[Mapping[str, Json]]) -> Values:
    return told(document, rows, counter="_step", optimizer_steps=False)


def _summary(document: Document, summary: Mapping[str, Json]) -> Values:
    """The last values of a run: those that close it, and none that merely came last."""
    named = {plain(key): value for key, value in summary.items()}
    closing = {key: named[key] for key in (*LAST, "global_step") if named.get(key) is not None}
    tokens = {"num_tokens": named["num_tokens"]} if named.get("num_tokens") is not None else {}
    return told(document, [closing | tokens], counter="_step", optimizer_steps=False)


def _transposed(columns: Mapping[str, Json]) -> list[Mapping[str, Json]]:
    """`run.history().to_json()`: a mapping of columns, each a mapping of rows."""
    keys = list(columns["_step"])
    return [
        {name: cells[key] for name, cells in columns.items() if cells.get(key) is not None} for key in keys
    ]


def _is_chart(row: Mapping[str, Json]) -> bool:
    return any(CHARTED.fullmatch(name) for name in row) and bool({"Step", "train/global_step"} & row.keys())


def _uncharted(document: Document, row: Mapping[str, Json]) -> Mapping[str, Json]:
    """A chart's row without the run's name."""
    found = {"_step" if name == "Step" else name: value for name, value in row.items() if " - " not in name}
    charted = [match for name in row if (match := CHARTED.fullmatch(name))]
    if len({match["run"] for match in charted}) > 1:
        raise document.fault(f"{document.name} holds several runs; export the one that made the adapter")
    return found | {match["metric"]: row[match.string] for match in charted if not match["edge"]}
