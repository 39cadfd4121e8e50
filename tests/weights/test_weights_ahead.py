"""Work ahead of its taker: in order, bounded, and faults in their place."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from publisher.weights.ahead import ahead


def test_results_come_in_the_order_of_the_items_and_no_more_than_asked_are_ahead():
    """A thousand slices of a tensor must not be in memory at once."""
    asked = []

    def items():
        for number in range(20):
            asked.append(number)
            yield number

    with ThreadPoolExecutor(3) as pool:
        results = ahead(pool, lambda number: number * number, items(), most=4)
        before = len(asked)
        first = next(results)
        after = len(asked)
        rest = list(results)

    assert (4, 0, 5) == (before, first, after)
    assert [number * number for number in range(1, 20)] == rest


def test_a_fault_is_raised_in_the_place_of_its_result():
    """What came before it counts; nothing after it is begun."""
    done = []

    def work(number):
        if number == 3:
            raise ValueError("the third")
        done.append(number)
        return number

    with ThreadPoolExecutor(1) as pool:
        results = ahead(pool, work, range(100), most=5)
        assert [0, 1, 2] == [next(results) for _ in range(3)]
        with pytest.raises(ValueError, match="the third"):
            next(results)

    assert 8 >= len(done)
