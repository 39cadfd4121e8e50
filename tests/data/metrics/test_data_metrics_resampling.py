"""How far a mean could be off: against a second way to reckon it, and against what it claims."""

from __future__ import annotations

import math
import random
import statistics

import pytest

from publisher.data.metrics.resampling import Scores, difference, interval

pytestmark = pytest.mark.models  # scipy comes with that extra

NORMAL_95 = 1.959963984540054


def test_with_rows_of_one_length_it_is_the_textbooks_interval() -> None:
    """Then the ratio is a plain mean, whose standard error everybody knows."""
    chance = random.Random(7)
    losses = tuple(chance.gauss(4, 1) for _ in range(200))
    half = NORMAL_95 * statistics.stdev(loss / 2 for loss in losses) / math.sqrt(200)
    scores = Scores(losses, (2.0,) * 200)

    assert (scores.mean - half, scores.mean + half) == pytest.approx(interval(scores), abs=0.1 * half)


def test_it_holds_the_true_mean_as_often_as_it_says() -> None:
    """95 times of 100, over rows whose lengths and losses hang together."""
    chance = random.Random(7)
    held = 0
    for _ in range(100):
        tokens = tuple(float(chance.randint(3, 30)) for _ in range(64))
        low, high = interval(
            Scores(tuple(count * 2 + chance.gauss(0, count) for count in tokens), tokens)
        ) or (
            0,
            0,
        )
        held += low <= 2.0 <= high

    assert 0.89 < held / 100 < 0.99


def test_the_same_rows_give_the_same_interval() -> None:
    """A card is rendered again on another machine, and must not differ by chance."""
    scores = Scores.of_rows([1.0, 4.0, 2.5, 9.0])

    assert interval(scores) == interval(scores)


def test_one_row_does_not_tell_how_much_rows_differ() -> None:
    """An interval of zero width would be the surest number of all."""
    one = Scores.of_rows([3.0])

    assert (None, None) == (interval(one), difference(one, one))


def test_a_share_of_none_or_all_is_still_in_doubt() -> None:
    """A bootstrap of 32 misses draws nothing but misses, and would claim to know that there are no hits."""
    none, every = Scores.of_flags([False] * 32), Scores.of_flags([True] * 32)

    assert (0.0, 0.107) == pytest.approx(interval(none), abs=0.001)
    assert (0.893, 1.0) == pytest.approx(interval(every), abs=0.001)


def test_a_pair_of_models_is_compared_row_by_row() -> None:
    """Rows differ much more than models do: only on the same rows does a small gain show."""
    chance = random.Random(7)
    theirs = [chance.gauss(10, 5) for _ in range(40)]
    mine = [value - 0.5 + chance.gauss(0, 0.2) for value in theirs]
    apart = difference(Scores.of_rows(mine), Scores.of_rows(theirs))

    assert apart is not None
    assert (-0.5, True) == (pytest.approx(apart.change, abs=0.1), apart.interval[1] < 0)
    assert apart.p < 0.001


def test_among_few_rows_every_swap_is_tried() -> None:
    """Three rows that all gain: of the eight swaps, this one and its mirror image part the means as far."""
    apart = difference(Scores.of_rows([1.0, 2.0, 3.0]), Scores.of_rows([2.0, 3.0, 4.0]))

    assert apart is not None
    assert (-1.0, 2 / 8) == (apart.change, apart.p)


def test_models_that_do_the_same_do_not_differ() -> None:
    """No difference in any row is no evidence for one."""
    same = Scores.of_rows([1.0, 2.0, 3.0])
    apart = difference(same, same)

    assert apart is not None
    assert (0.0, (0.0, 0.0), 1.0) == (apart.change, apart.interval, apart.p)


def test_scores_of_other_rows_are_not_paired() -> None:
    """Rows that have other tokens are other rows."""
    with pytest.raises(ValueError, match="different rows"):
        difference(Scores((1.0, 2.0), (3.0, 4.0)), Scores((1.0, 2.0), (3.0, 5.0)))
