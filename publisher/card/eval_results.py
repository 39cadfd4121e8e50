"""`.eval_results/*.yaml`: results on benchmarks of the Hub, in the form that shows them on its leaderboards.

Only for a dataset that is a benchmark there, with a task of its own: the held-out rows of a release are none, and stand
in the card's `model-index`.
"""

from __future__ import annotations

import re
from typing import Any

from publisher.card.metadata import yaml_text
from publisher.card.needs import missing
from publisher.card.view import CardInput, Result
from publisher.records.facts import StatedSource

FOLDER = ".eval_results"


def eval_results(card: CardInput) -> dict[str, str]:
    """The files of one artifact's repo: path → YAML, one file a benchmark dataset.

    Raises:
        HubpubError: HP-C01, the fact of a result was not measured.
    """
    files: dict[str, list[dict[str, Any]]] = {}
    for result in card.results:
        if result.fact.split(".")[1] == card.kind:
            files.setdefault(_path(result), []).append(_entry(card, result))
    return {path: yaml_text(entries) for path, entries in sorted(files.items())}


def _path(result: Result) -> str:
    return f"{FOLDER}/{re.sub(r'[^A-Za-z0-9.-]+', '_', result.dataset.rpartition('/')[2])}.yaml"


def _entry(card: CardInput, result: Result) -> dict[str, Any]:
    fact = card.facts.get(result.fact)
    if fact is None or not fact.known:
        raise missing(result.fact, card, where="release.yaml: card.results", template="card.results")
    dataset = {"id": result.dataset, "task_id": result.task, "revision": result.revision}
    entry = {
        "dataset": {key: value for key, value in dataset.items() if value},
        "value": fact.value,
        "date": result.date,
        "source": _source(card, fact.source),
        "notes": result.notes,
    }
    return {key: value for key, value in entry.items() if value is not None}


def _source(card: CardInput, source: object) -> dict[str, str] | None:
    """Where the value can be looked up; a stated one rests on the author's word, and its words are no address."""
    if isinstance(source, StatedSource):
        return {"url": source.stated} if source.stated.startswith(("https://", "http://")) else None
    if "evidence/facts.json" not in card.assets:
        return None
    return {
        "url": f"{card.hub_url}/{card.repo_id}/blob/main/evidence/facts.json",
        "name": "measured by hubpub",
    }
