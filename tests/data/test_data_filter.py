"""The filter, rule by rule: what goes, what stays, and that every drop is counted once."""

import pytest
from pydantic import TypeAdapter

from publisher.data.filter import is_error, keep, speaks_of_mark, unseen
from publisher.data.language import is_foreign
from publisher.data.sample import Sample
from publisher.manifest.dataset import ExpressionFilter, RowFilter

ALL = TypeAdapter(ExpressionFilter).validate_python({})


def said(answer, item=1, scene="a", asks="?"):
    return Sample(answer=answer, asks=asks, group=scene, where="here", columns={}, scene=scene, item=item)


def left(samples, settings=ALL, is_ambiguous=lambda sample: False):
    kept = keep(samples, settings, is_ambiguous)
    return [one.answer for one in kept.samples], {
        name: count for name, count in kept.dropped.items() if count
    }


def test_each_reason_counts_its_own_and_a_sample_counts_once():
    """The table must add up to what is missing."""
    samples = [
        said("the red ship"),
        said("Processing error: rate limit"),
        said("the ship in the red box"),
        said("ship"),
        said(" ".join(["the long ship"] * 14)),
        said("das rote Schiff links neben dem Hafen und unten"),
        said("the ship that is above", item=2),
        said("the grey ship", item=3),
        said("the grey ship.", item=4),
        said("the red ship"),
    ]

    kept, dropped = left(samples, is_ambiguous=lambda sample: sample.item == 2)

    assert ["the red ship"] == kept
    assert {
        "error_in_band": 1,
        "mark_leaked": 1,
        "too_short": 1,
        "too_long": 1,
        "other_language": 1,
        "ambiguous": 1,
        "not_unique": 2,
        "duplicate": 1,
    } == dropped


def test_the_same_words_in_two_images_are_no_fault():
    """Unique in its image is what is asked for."""
    assert (["the ship here", "the ship here"], {}) == left(
        [said("the ship here"), said("the ship here", scene="b")]
    )


def test_rules_can_be_switched_off():
    """Every one of them."""
    off = TypeAdapter(ExpressionFilter).validate_python(
        {
            "errors": False,
            "duplicates": False,
            "min_words": 1,
            "max_words": None,
            "language": None,
            "unique": False,
            "unambiguous": False,
            "marks": False,
        }
    )
    texts = [
        "Processing error: x",
        "red box",
        "ship",
        "ship",
        "das ist nicht der das die den dem",
        "ship " * 99,
    ]

    assert (texts, {}) == left([said(text, item=n) for n, text in enumerate(texts)], off, lambda sample: True)


def test_rows_without_scenes_are_held_against_one_another_by_all_that_is_trained_on():
    """The same answer to two questions is fine, the same question with the same answer twice is not."""
    rows = [said("yes", 0, "", "a?"), said("yes", 0, "", "b?"), said("yes", 0, "", "a?")]

    assert (["yes", "yes"], {"duplicate": 1}) == left(rows, TypeAdapter(RowFilter).validate_python({}))


def test_what_is_trained_on_is_not_held_out():
    """Word for word, pictures included."""
    train = [said("the ship"), said("the boat")]
    held_out = [said("the ship"), said("the boat", asks="!")]

    assert [held_out[1]] == list(unseen(held_out, train))


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("Processing error: timeout", True),
        ("Error: 429", True),
        ("null", True),
        ("N/A", True),
        ("Traceback (most recent call last):", True),
        ("Exception: timeout", True),
        ("Exception handling is a way to", False),
        ("the error of the pilot", False),
        ("nullarbor plain", False),
    ],
)
def test_an_error_is_told_by_how_it_begins(answer, expected):
    """Words about errors are no errors."""
    assert expected == is_error(answer)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("the ship in the red box", True),
        ("the building inside the red bounding box", True),
        ("the highlighted court", True),
        ("the masked group of cars", True),
        ("the car in the close-up", True),
        ("the tinted cars", True),
        ("the red car beside the box-shaped building", False),
        ("the boxy red building", False),
    ],
)
def test_words_about_the_mark_are_told_from_words_about_the_thing(answer, expected):
    """The red box is not there when someone uses the model."""
    assert expected == speaks_of_mark(answer)


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("the red ship in the top left", "en", False),
        ("red ship near pier", "en", False),
        ("das rote Schiff in der Mitte neben dem Hafen", "en", True),
        ("das rote Schiff in der Mitte neben dem Hafen", "de", False),
        ("le bateau rouge près du port", "en", True),
        ("el barco rojo del puerto", "en", True),
        ("红色的船在港口旁边", "en", True),
        ("the ship named Ωmega in the harbor", "en", False),
        ("12, 34", "en", False),
    ],
)
def test_a_language_is_told_by_script_and_common_words(text, language, expected):
    """No classifier: what is plainly another language goes, what could be either stays."""
    assert expected == is_foreign(text, language)
