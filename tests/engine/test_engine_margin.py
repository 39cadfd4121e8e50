"""How far a mean could be off: against a second way to reckon it, and against what it claims."""

from __future__ import annotations

import math
import random
import statistics

import pytest

from publisher.engine.margin import NORMAL_95, margin


def test_with_rows_of_one_length_it_is_the_textbooks_interval():
    """Then the ratio is a plain mean, whose standard error everybody knows."""
    losses = [3.0, 5.0, 4.0, 8.0]
    expected = NORMAL_95 * statistics.stdev(loss / 2 for loss in losses) / math.sqrt(4)

    assert expected == pytest.approx(margin(losses, [2] * 4))


def test_it_holds_the_true_mean_as_often_as_it_says():
    """95 times of 100, over rows whose lengths and losses hang together."""
    chance = random.Random(7)
    held = 0
    for _ in range(400):
        tokens = [chance.randint(3, 30) for _ in range(64)]
        losses = [count * 2.0 + chance.gauss(0, count) for count in tokens]
        half = margin(losses, tokens)
        held += abs(sum(losses) / sum(tokens) - 2.0) <= half

    assert 0.91 < held / 400 < 0.98


def test_one_row_does_not_tell_how_much_rows_differ():
    """An interval of zero width would be the surest number of all."""
    assert margin([3.0], [2]) is None
