"""The tables of an evaluation: which models stand side by side, which metrics were measured of them, and their cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from publisher.records.facts import Fact
from publisher.records.forms import FORMS
from publisher.records.metrics import GGUF, METRICS, PREFIX, UNMEASURED, Metric, gguf_kinds

Line = TypeVar("Line")

# What may stand in a column, in order, and what it is called there; GGUF files stand before the dataset's own words.
MODELS: dict[str, str] = {
    "base": "Base model",
    "adapter": "Adapter",
    "merged": "Merged",
    "nf4": "4-bit NF4",
    **{kind: form.label for kind, form in FORMS.items()},
}
BASELINES = {"rules": "Rules", "references": "References"}
NAMES = MODELS | BASELINES
LOSSES = tuple(metric for metric in METRICS if metric.id.endswith(("loss", "perplexity")))
ANSWERS = tuple(metric for metric in METRICS if metric not in LOSSES)


@dataclass(frozen=True)
class Cell:
    """One value with the ends of its interval and, of a difference, its p-value; what was not measured is None."""

    value: Fact | None
    low: Fact | None = None
    high: Fact | None = None
    p: Fact | None = None


@dataclass(frozen=True)
class Row:
    """One metric of every column."""

    metric: Metric
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Table(Generic[Line]):
    """`columns` are kinds of models, and what they are held against; each row has a cell for each."""

    columns: tuple[str, ...]
    rows: tuple[Line, ...]

    def label(self, column: str) -> str:
        """What a column is called."""
        return label(column)


def label(kind: str) -> str:
    """What a kind of model is called in a heading: `gguf.q8_0` → `GGUF Q8_0`."""
    if kind.startswith(GGUF):
        return f"GGUF {kind.removeprefix(GGUF).upper()}"
    return NAMES.get(kind, kind)


def kinds_in(artifact: str, facts: Mapping[str, Fact]) -> tuple[str, ...]:
    """The kinds of models that lie in the repo of an artifact: itself, but of GGUF each file that facts speak of."""
    return gguf_kinds(facts) if artifact == GGUF.rstrip(".") else (artifact,)


def unmeasured(facts: Mapping[str, Fact]) -> dict[str, Fact]:
    """Why a model has no numbers, by what it is called."""
    reasons = {kind: facts.get(f"{PREFIX}{kind}.{UNMEASURED}") for kind in _kinds(facts)}
    return {label(kind): why for kind, why in reasons.items() if why is not None}


def losses(facts: Mapping[str, Fact]) -> Table[Row]:
    """Loss and perplexity, of held-out rows and of general text."""
    return _table(facts, LOSSES)


def answers(facts: Mapping[str, Fact]) -> Table[Row]:
    """What the answers are worth."""
    return _table(facts, ANSWERS)


def differences(facts: Mapping[str, Fact]) -> Table[Row]:
    """Of each model to the one that it is held against, where one way is better; perplexity says the same as loss."""
    judged = [metric for metric in METRICS if metric.better and not metric.id.endswith("perplexity")]
    return _table(facts, judged, "_change")


def _table(facts: Mapping[str, Fact], metrics: Sequence[Metric], end: str = "") -> Table[Row]:
    kinds = _kinds(facts)
    measured = [
        metric for metric in metrics if any(f"{PREFIX}{kind}.{metric.id}{end}" in facts for kind in kinds)
    ]
    columns = tuple(
        kind for kind in kinds if any(f"{PREFIX}{kind}.{metric.id}{end}" in facts for metric in measured)
    )
    rows = (
        Row(metric, tuple(_cell(facts, f"{PREFIX}{kind}.{metric.id}{end}") for kind in columns))
        for metric in measured
    )
    return Table(columns, tuple(rows))


def _kinds(facts: Mapping[str, Fact]) -> tuple[str, ...]:
    """What may stand in a column of these facts' tables, in order."""
    return (*MODELS, *gguf_kinds(facts), *BASELINES)


def _cell(facts: Mapping[str, Fact], fact_id: str) -> Cell:
    ends = (facts.get(f"{fact_id}{end}") for end in ("_low", "_high", "_p"))
    return Cell(facts.get(fact_id), *(fact if fact is not None and fact.known else None for fact in ends))
