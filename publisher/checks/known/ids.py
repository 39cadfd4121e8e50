"""Identifiers that the Hub knows, as data. The lists move: an unknown id is a warning, never an error."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files


@cache
def _ids() -> dict[str, frozenset[str]]:
    text = files("publisher.checks.known").joinpath("ids.json").read_text("utf-8")
    return {name: frozenset(ids) for name, ids in json.loads(text).items() if isinstance(ids, list)}


def licences() -> frozenset[str]:
    """Licence ids that may stand under `license` in a card's front matter."""
    return _ids()["licences"]


def pipeline_tags() -> frozenset[str]:
    """Task ids that may stand under `pipeline_tag` and, in a dataset's card, `task_categories`."""
    return _ids()["pipeline_tags"]


def metadata_keys() -> frozenset[str]:
    """Front-matter keys that the Hub reads, in model and in dataset cards."""
    return _ids()["metadata_keys"]
