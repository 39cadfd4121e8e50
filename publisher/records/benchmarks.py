"""Benchmarks by the ids of their facts: which model, which task, which metric.

`lm_eval.KIND.TASK.METRIC` is a value; what is true of a task whatever model it was given is under `lm_eval.task.`, and
what is true of the files that a model's results were read from under `lm_eval.file.`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

PREFIX = "lm_eval."
TASK = f"{PREFIX}task."
FILE = f"{PREFIX}file."
STDERR = "_stderr"

_VALUE = re.compile(
    r"lm_eval\.(?!task\.|file\.)(?P<kind>(?:gguf\.)?\w+)\.(?P<task>[^.]+)\.(?P<metric>.+?)(?<!_stderr)"
)


@dataclass(frozen=True)
class Benchmark:
    """One metric of one task: `hellaswag`, `acc_norm`; with its filter where there is one, `exact_match.strict-match`."""

    task: str
    metric: str

    @property
    def written(self) -> str:
        """The metric as the harness writes it: with its filter behind a comma."""
        return self.metric.replace(".", ",")

    def of(self, kind: str) -> str:
        """The id of a model's value."""
        return f"{PREFIX}{kind}.{self.task}.{self.metric}"

    @property
    def better(self) -> str:
        """The id of the fact that says which way is better: `higher` or `lower`."""
        return f"{TASK}{self.task}.{self.metric}.better"

    def about(self, name: str) -> str:
        """The id of a fact about the task."""
        return f"{TASK}{self.task}.{name}"


def benchmark_of(fact_id: str) -> tuple[str, Benchmark] | None:
    """The kind of model and the benchmark that a fact's id names; None where it is no benchmark's value."""
    match = _VALUE.fullmatch(fact_id)
    return (match["kind"], Benchmark(match["task"], match["metric"])) if match else None


def benchmarks_in(fact_ids: Iterable[str]) -> tuple[Benchmark, ...]:
    """Every benchmark that any model has a value of, in order of the ids."""
    found = (benchmark_of(fact_id) for fact_id in fact_ids)
    return tuple(dict.fromkeys(each[1] for each in found if each))
