"""Smoke expectations are what stands between a broken model and the Hub: each must catch what it names."""

from __future__ import annotations

import pytest

from publisher.engine.jobs import Expectation
from publisher.engine.smoke import Answer, excerpt, judge, repetition


def said(text: str, *token_ids: int, stopped: bool = True) -> Answer:
    return Answer("a prompt", text, token_ids or (1, 2, 3), stopped)


@pytest.mark.parametrize(
    ("expect", "good", "bad"),
    [
        (Expectation(contains="Paris"), said("It is Paris."), said("It is Rome.")),
        (Expectation(matches=r"\d+ cars?$"), said("12 cars"), said("many cars")),
        (Expectation(min_tokens=3), said("a b c", 1, 2, 3), said("a", 1)),
        (Expectation(max_repetition=0.2), said("ok", *range(20)), said("no no", *[7] * 20)),
        (Expectation(stops=True), said("done."), said("and and", stopped=False)),
        (Expectation(json=True), said('{"boxes": [1, 2]}'), said('{"boxes": [1, 2')),
    ],
    ids=lambda value: value.text if isinstance(value, Answer) else None,
)
def test_each_assertion_passes_the_good_and_misses_the_bad(
    expect: Expectation, good: Answer, bad: Answer
) -> None:
    """An assertion that never misses proves nothing, one that never passes blocks every release."""
    verdicts = [[outcome.verdict for outcome in judge(expect, answer)] for answer in (good, bad)]

    assert [["passed"], ["missed"]] == verdicts


def test_what_is_not_asked_is_not_judged() -> None:
    """An empty expectation only wants the prompt to run."""
    assert () == judge(Expectation(), said(""))


def test_every_miss_of_one_answer_is_told_with_what_was_met() -> None:
    """Faults are mended together, not one run at a time."""
    outcomes = judge(
        Expectation(contains="Paris", min_tokens=5, stops=True), said("Rome", 1, 2, stopped=False)
    )

    assert [
        ("contains", "'Paris'", "'Rome'"),
        ("min_tokens", "5", "2"),
        ("stops", "True", "False"),
    ] == [(o.assertion, o.expected, o.actual) for o in outcomes if o.verdict == "missed"]


def test_a_stand_ins_words_are_refused_rather_than_passed_or_missed() -> None:
    """A random model says nothing about the real one, whether its answer happens to fit or not."""
    outcomes = judge(Expectation(contains="Paris", min_tokens=1), said("Paris"), stand_in=True)

    assert ["refused", "refused"] == [outcome.verdict for outcome in outcomes]


@pytest.mark.parametrize(
    ("token_ids", "share"),
    [
        ((), 0.0),
        ((1, 2, 3, 4), 0.0),  # one run, once: no repetition, though it is all there is
        ((1, 2, 3, 4, 5), 0.0),
        ((7,) * 10, 1.0),
        ((1, 2, 3, 4) * 2, 0.4),  # 1234 twice among five runs
    ],
)
def test_repetition_is_the_share_of_the_most_frequent_run_of_four(
    token_ids: tuple[int, ...], share: float
) -> None:
    """Short honest answers must not look like stutter."""
    assert share == repetition(token_ids)


def test_an_excerpt_is_one_line_and_says_that_it_goes_on() -> None:
    """Error messages stay readable when a model rambles."""
    assert ("one two", "xxxxxxxxx…") == (excerpt("one\n two"), excerpt("x" * 50, 10))
