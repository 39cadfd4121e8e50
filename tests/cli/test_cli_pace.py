"""How fast something goes and how long the rest takes: never told from one report, never across two counts."""

from __future__ import annotations

import pytest

from publisher.cli.pace import Pace, duration_text, rate_text


class Clock:
    """Says what time it shall be."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pace(clock: Clock) -> Pace:
    return Pace(clock)


def test_what_an_earlier_run_did_is_no_part_of_the_rate(pace: Pace, clock: Clock) -> None:
    """A training that goes on at step 40 has not made forty steps in this second."""
    pace.moved(40, 60, "steps")
    first = (pace.rate, pace.remaining_s)
    clock.now += 4
    pace.moved(48, 60, "steps")

    assert (None, None) == first
    assert (2.0, 6.0) == (pace.rate, pace.remaining_s)


@pytest.mark.parametrize("then", [(1, 60, "rows"), (1, 20, "steps"), (1, 60, "steps")])
def test_another_count_has_a_rate_of_its_own(
    pace: Pace, clock: Clock, then: tuple[float, float, str]
) -> None:
    """One model's rows are done and the next one's begin: other unit, other total, or from the beginning."""
    pace.moved(0, 60, "steps")
    clock.now += 10
    pace.moved(60, 60, "steps")
    clock.now += 10
    pace.moved(*then)

    assert (None, None) == (pace.rate, pace.remaining_s)


def test_a_moment_is_no_time_to_tell_a_rate_from(pace: Pace, clock: Clock) -> None:
    """The first thousand rows of a cache would promise an end in a second."""
    pace.moved(0, 10, "rows")
    clock.now += 0.01
    pace.moved(9, 10, "rows")

    assert pace.rate is None


@pytest.mark.parametrize(
    ("rate", "unit", "text"),
    [(12_340_000, "bytes", "12.3 MB/s"), (3.25, "steps", "3.2 steps/s"), (0.4, "steps", "2.5 s each")],
)
def test_a_rate_is_told_as_people_count(rate: float, unit: str, text: str) -> None:
    """Less than one in a second is told by what one takes."""
    assert text == rate_text(rate, unit)


@pytest.mark.parametrize(("seconds", "text"), [(12.4, "12 s"), (300, "5 min"), (9000, "2.5 h")])
def test_a_duration_is_told_in_its_unit(seconds: float, text: str) -> None:
    """Nobody reads 9000 seconds."""
    assert text == duration_text(seconds)
