"""How sure a mean over rows is, and whether two models differ on the same rows. Seeded: the same rows give the same numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from publisher.data.installed import installed

CONFIDENCE = 0.95
RESAMPLES = 9999
SEED = 7
TEST = "paired permutation test"

Array = Any  # numpy.ndarray; naming it would import numpy


@dataclass(frozen=True)
class Scores:
    """One metric of one model, row by row; its mean is `sum(values) / sum(weights)`.

    Attributes:
        values: of each row; summed over the row's tokens where rows have weights.
        weights: tokens of each row, or 1 each.
        share: every value is 0 or 1 and every weight 1.
    """

    values: tuple[float, ...]
    weights: tuple[float, ...]
    share: bool = False

    @classmethod
    def of_rows(cls, values: Sequence[float]) -> Scores:
        """Every row counts the same."""
        return cls(tuple(map(float, values)), (1.0,) * len(values))

    @classmethod
    def of_flags(cls, flags: Sequence[bool]) -> Scores:
        """The share of rows of which something is so."""
        return cls(tuple(map(float, flags)), (1.0,) * len(flags), share=True)

    @property
    def mean(self) -> float:
        """Over all rows."""
        return sum(self.values) / sum(self.weights)


@dataclass(frozen=True)
class Difference:
    """What one mean is above another on the same rows, its interval, and the p-value of no difference."""

    change: float
    interval: tuple[float, float]
    p: float


def interval(scores: Scores) -> tuple[float, float] | None:
    """The 95% interval of a mean; None for fewer than two rows, which do not tell how much rows differ.

    By bootstrap over rows, percentiles (tokens of one row hang together, so rows are what is drawn). Of a share by
    Wilson's formula: where every row is alike, a bootstrap knows no doubt.
    """
    if len(scores.values) < 2:
        return None
    if scores.share:
        stats = installed("scipy.stats")
        test = stats.binomtest(int(sum(scores.values)), len(scores.values))
        found = test.proportion_ci(confidence_level=CONFIDENCE, method="wilson")
        return float(found.low), float(found.high)
    return _bootstrap(scores.values, scores.weights)


def difference(mine: Scores, theirs: Scores) -> Difference | None:
    """Hold two models' scores on the same rows against each other; None for fewer than two rows.

    The interval is a bootstrap's over the rows' differences. The test swaps the two models' scores within rows: p is the
    share of swaps (all of them, or 9999 by chance) that part the two means as far, two-sided.

    Raises:
        ValueError: not the same rows.
    """
    if mine.weights != theirs.weights:
        raise ValueError("scores of different rows cannot be paired")
    if len(mine.values) < 2:
        return None
    np, stats = installed("numpy"), installed("scipy.stats")
    apart = [a - b for a, b in zip(mine.values, theirs.values, strict=True)]
    test = stats.permutation_test(
        (np.array(mine.values), np.array(theirs.values)),
        _sum_of_differences,
        permutation_type="samples",
        vectorized=True,
        n_resamples=RESAMPLES,
        rng=np.random.default_rng(SEED),
    )
    return Difference(mine.mean - theirs.mean, _bootstrap(apart, mine.weights), float(test.pvalue))


def _bootstrap(values: Sequence[float], weights: Sequence[float]) -> tuple[float, float]:
    np, stats = installed("numpy"), installed("scipy.stats")
    found = stats.bootstrap(
        (np.array(values), np.array(weights)),
        _ratio,
        paired=True,
        vectorized=True,
        n_resamples=RESAMPLES,
        batch=1000,
        confidence_level=CONFIDENCE,
        method="percentile",
        rng=np.random.default_rng(SEED),
    ).confidence_interval
    return float(found.low), float(found.high)


def _ratio(values: Array, weights: Array, axis: int = -1) -> Array:
    return values.sum(axis) / weights.sum(axis)


def _sum_of_differences(mine: Array, theirs: Array, axis: int = -1) -> Array:
    return (mine - theirs).sum(axis)
