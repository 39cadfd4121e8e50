"""The table of benchmarks: which models stand side by side, and what each got on which task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

from publisher.card.evaluated import MODELS, Table
from publisher.records.benchmarks import FILE, STDERR, Benchmark, benchmark_of, benchmarks_in
from publisher.records.facts import Fact


@dataclass(frozen=True)
class About:
    """What is true of a task whatever model it was given; None where the file did not tell.

    `rows` of `rows_in_all` questions were asked; `parts` are the tasks of a group.
    """

    shots: Fact | None = None
    rows: Fact | None = None
    rows_in_all: Fact | None = None
    parts: Fact | None = None
    dataset: Fact | None = None
    chat_template: Fact | None = None
    system_instruction: Fact | None = None


@dataclass(frozen=True)
class File:
    """What a model's results were read from."""

    name: Fact
    sha256: Fact
    harness: Fact | None


@dataclass(frozen=True)
class Score:
    """One model's value and its standard error."""

    value: Fact
    stderr: Fact | None


@dataclass(frozen=True)
class Row:
    """One metric of one task; a model that was not given it has no score."""

    benchmark: Benchmark
    about: About
    better: Fact | None
    scores: tuple[Score | None, ...]


def table(facts: Mapping[str, Fact]) -> Table[Row]:
    """Every task's every metric, of every model that has any."""
    found = {each[0] for fact_id in facts if (each := benchmark_of(fact_id))}
    columns = tuple(sorted(found, key=lambda kind: (_place(kind), kind)))
    return Table(columns, tuple(_row(facts, each, columns) for each in benchmarks_in(facts)))


def here(table: Table[Row], artifact: str) -> tuple[str, ...]:
    """The columns of models in the repo of an artifact: of GGUF each file that has results."""
    return tuple(kind for kind in table.columns if kind.partition(".")[0] == artifact)


def about(facts: Mapping[str, Fact], benchmark: Benchmark) -> About:
    """What is true of a benchmark's task."""
    return About(**{each.name: _known(facts, benchmark.about(each.name)) for each in fields(About)})


def tasks(facts: Mapping[str, Fact]) -> dict[str, About]:
    """Every task that any model was given, by name."""
    return {each.task: about(facts, each) for each in benchmarks_in(facts)}


def files(facts: Mapping[str, Fact]) -> dict[str, File]:
    """What the results were read from, by kind of model."""
    return {
        kind: File(
            facts[f"{FILE}{kind}.name"],
            facts[f"{FILE}{kind}.sha256"],
            _known(facts, f"{FILE}{kind}.harness"),
        )
        for kind in table(facts).columns
    }


def _row(facts: Mapping[str, Fact], benchmark: Benchmark, columns: tuple[str, ...]) -> Row:
    ids = [benchmark.of(kind) for kind in columns]
    scores = (
        Score(facts[fact_id], _known(facts, f"{fact_id}{STDERR}")) if fact_id in facts else None
        for fact_id in ids
    )
    return Row(benchmark, about(facts, benchmark), _known(facts, benchmark.better), tuple(scores))


def _known(facts: Mapping[str, Fact], fact_id: str) -> Fact | None:
    fact = facts.get(fact_id)
    return fact if fact is not None and fact.known else None


def _place(kind: str) -> int:
    order = list(MODELS)
    return order.index(kind) if kind in order else len(order)
