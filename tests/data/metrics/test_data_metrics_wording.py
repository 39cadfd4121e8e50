"""Wording and variety: what the libraries count is asked for in the way that the docs say."""

from __future__ import annotations

import pytest

from publisher.data.metrics.overlap import chrf, rouge_l
from publisher.data.metrics.variety import distinct, self_bleu, vocabulary, words

pytestmark = pytest.mark.models  # sacrebleu and rouge-score come with that extra


def test_an_answer_that_is_a_reference_has_all_of_it() -> None:
    """The best of the references counts, wherever it stands."""
    known = [["the red ship", "the ship in the top left"]]

    assert [100.0] == pytest.approx(chrf(["the ship in the top left"], known))
    assert [100.0] == pytest.approx(rouge_l(["the ship in the top left"], known))


def test_an_answer_without_a_word_of_the_reference_has_nothing_of_it() -> None:
    """Nor has an empty one, which is no error."""
    known = [["the red ship"]]

    assert [0.0] == rouge_l(["a boat"], known) == rouge_l([""], known) == chrf([""], known)


def test_rouge_l_is_the_longest_common_run_of_words() -> None:
    """Of "the red ship", two words in order: precision 2/2, recall 2/3."""
    assert [pytest.approx(80.0)] == rouge_l(["red ship"], [["the red ship"]])


def test_words_are_counted_without_case_and_punctuation() -> None:
    """ "Ship." and "ship" are one word."""
    assert ["the", "top-left", "ship's", "deck"] == words("The top-left ship's deck.")
    assert 3 == vocabulary(["The ship.", "the plane"])


def test_distinct_is_the_share_of_different_runs() -> None:
    """Four words of which three differ; of two pairs, both."""
    assert (0.75, 1.0) == (distinct(["the ship", "the plane"], 1), distinct(["the ship", "the plane"], 2))
    assert None is distinct(["ship"], 2)


def test_self_bleu_is_full_where_all_say_the_same_and_low_where_none_do() -> None:
    """The number that falls when a model has more than one thing to say."""
    same = self_bleu(["the red ship in the top left"] * 3)
    varied = self_bleu(["the red ship in the top left", "a plane near one of two hangars"])

    assert same == pytest.approx(100.0)
    assert varied is not None
    assert varied < 10
    assert None is self_bleu(["alone"])
