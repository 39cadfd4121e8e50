"""How many rows the data have: of a dataset from its own files, of a model from what was recorded of its training."""

from __future__ import annotations

from dataclasses import dataclass

from publisher.checks.observe.files import RepoKind
from publisher.checks.observe.footers import SplitFooters
from publisher.checks.observe.readme import Metadata
from publisher.checks.observe.splits import rows_declared
from publisher.checks.observe.stated import StatedFacts
from publisher.checks.observe.target import Absent, RepoView

_TRAINED_ON = ("dataset.rows", "dataset.train.rows", "dataset.validation.rows", "evaluate.rows")


@dataclass(frozen=True)
class RowCounts:
    """Every count that a number of the card may fairly mean.

    Attributes:
        counts: of all rows, and of each split or configuration.
        source: as a message says it.
        total: of all rows, where the files themselves tell; None where only somebody's word does.
    """

    counts: frozenset[int]
    source: str
    total: int | None

    @classmethod
    def observe(cls, view: RepoView) -> RowCounts | Absent:
        """The files first, then the card's own dataset_info, then the evidence of a training."""
        if view.observe(RepoKind) is RepoKind.DATASET:
            footers, card = view.observe(SplitFooters), view.observe(Metadata)
            if not isinstance(footers, Absent):
                splits = [sum(footer.rows for footer in each) for each in footers.of.values()]
                return cls(frozenset({*splits, sum(splits)}), "the Parquet files have", sum(splits))
            declared = () if isinstance(card, Absent) else rows_declared(card)
            if declared and not isinstance(card, Absent):
                return cls(frozenset({*declared, sum(declared), *_splits(card)}), "dataset_info counts", None)
            return Absent("nothing here tells how many rows the data have", missing=True)
        facts = view.observe(StatedFacts)
        known = () if isinstance(facts, Absent) else map(facts.value, _TRAINED_ON)
        counts = [value for value in known if type(value) is int]
        if not counts:
            return Absent("nothing here tells how many rows the model was trained on", missing=True)
        return cls(frozenset(counts), "evidence/facts.json says", None)


def _splits(card: Metadata) -> list[int]:
    info = card.get("dataset_info")
    values = info.walk() if info is not None else ()
    counts = [value.data.get("num_examples") for value in values if isinstance(value.data, dict)]
    return [count for count in counts if type(count) is int]
