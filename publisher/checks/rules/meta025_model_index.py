"""META025 model-index: the results under `model-index` are not written as the Hub reads them.

Why   huggingface_hub raises on loading such a card, and the Hub shows none of its results.
Fix   each model has `name` and `results`; each result `task.type`, `dataset.name`, `dataset.type` and a list
      `metrics` of `type` and `value`.

Bad
    README.md:
        ---
        license: mit
        model-index:
        - name: aerial
          results:
          - task: {type: text-generation} ←
            metrics:
            - type: loss ←
        ---
Bad
    README.md:
        ---
        license: mit
        model-index: aerial ←
        ---
Good
    README.md:
        ---
        license: mit
        model-index:
        - name: aerial
          results:
          - task: {type: text-generation}
            dataset: {name: Aerial, type: acme/aerial}
            metrics:
            - {type: loss, value: 1.93}
        - name: nothing measured
          results: []
        ---
"""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.observe.frontmatter import Value
from publisher.checks.observe.readme import README, Metadata
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity

_MOST = 20  # findings; a generated index repeats one slip in every entry


@rule(Severity.ERROR)
def model_index(card: Metadata) -> Iterator[Fault]:
    """Report what is missing where it is missing."""
    value = card.get("model-index")
    if value is not None:
        faults = list(_index(value))
        yield from faults[:_MOST]


def _index(value: Value) -> Iterator[Fault]:
    if not isinstance(value.items, tuple) or not value.items:
        yield _fault(value, "model-index is not a list of models")
        return
    for model in value.items:
        yield from _required(model, "a model", "name", "results")
        for result in _list(model, "results"):
            yield from _required(result, "a result", "task", "dataset", "metrics")
            yield from _required(_member(result, "task"), "task", "type")
            yield from _required(_member(result, "dataset"), "dataset", "name", "type")
            for metric in _list(result, "metrics"):
                yield from _required(metric, "a metric", "type", "value")


def _required(value: Value | None, what: str, *keys: str) -> Iterator[Fault]:
    if value is None:
        return
    if not isinstance(value.items, dict) or not value.items:
        yield _fault(value, f"{what} is not a mapping with {' and '.join(keys)}")
        return
    missing = [key for key in keys if key not in value.items or value.items[key].data is None]
    if missing:
        yield _fault(value, f"{what} without {' and '.join(missing)}")


def _member(value: Value, key: str) -> Value | None:
    return value.items.get(key) if isinstance(value.items, dict) else None


def _list(value: Value, key: str) -> tuple[Value, ...]:
    member = _member(value, key)
    return member.items if member is not None and isinstance(member.items, tuple) else ()


def _fault(value: Value, message: str) -> Fault:
    return Fault(
        f"model-index: {message}", README, value.line, value.column, hint="hubpub check --explain META025"
    )
