"""META027 eval-results: a file in .eval_results is not written as the Hub reads it.

Why   the Hub then shows neither the result nor its badge.
Fix   a list; each entry has `dataset.id`, `dataset.task_id` and `value`, a `source` has `url`, and `date` is a text
      such as "2026-05-01".

Bad
    .eval_results/gsm8k.yaml:
        - dataset: ←
            id: openai/gsm8k
          value: 71.2
Bad
    .eval_results/gsm8k.yaml:
        - dataset: {id: openai/gsm8k, task_id: default}
          value: 71.2
          date: May 2026 ←
          source: {name: our run} ←
Good
    .eval_results/gsm8k.yaml:
        - dataset:
            id: openai/gsm8k
            task_id: default
          value: 71.2
          date: "2026-05-01"
          source:
            url: https://example.org/run
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from publisher.checks.observe.evals import EvalFile, EvalResults
from publisher.checks.observe.frontmatter import Value
from publisher.checks.quoting import quote
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}(?:[T ][\d:.]{5,18}(?:Z|[+-]\d{2}:?\d{2})?)?")
_MOST = 20
_EXPLAIN = "hubpub check --explain META027"


@rule(Severity.ERROR)
def eval_results(results: EvalResults) -> Iterator[Fault]:
    """Report what is missing where it is missing."""
    for file in results.files:
        for fault in file.faults[:_MOST]:
            yield Fault(fault.message, file.path, fault.line, fault.column)
        if not file.faults:
            yield from list(_entries(file))[:_MOST]


def _entries(file: EvalFile) -> Iterator[Fault]:
    if file.value is None or not isinstance(file.value.data, list):
        yield Fault("not a list of results", file.path, 1, hint=_EXPLAIN)
        return
    for entry in file.value.items if isinstance(file.value.items, tuple) else ():
        members = entry.items if isinstance(entry.items, dict) else {}
        dataset, source, date = members.get("dataset"), members.get("source"), members.get("date")
        if dataset is None or "value" not in members:
            yield _fault(file, entry, "a result without dataset and value")
        elif not {"id", "task_id"} <= _keys(dataset):
            yield _fault(file, entry, "dataset without id and task_id")
        if date is not None and not _DATE.fullmatch(date.raw):
            yield _fault(file, date, f"the date {quote(date.data)} is not written as 2026-05-01")
        if source is not None and "url" not in _keys(source):
            yield _fault(file, source, "source without url")


def _keys(value: Value) -> set[str]:
    return set(value.items) if isinstance(value.items, dict) else set()


def _fault(file: EvalFile, value: Value, message: str) -> Fault:
    return Fault(message, file.path, value.line, value.column, hint=_EXPLAIN)
