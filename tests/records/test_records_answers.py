"""Answers to the test prompts, kept by what was asked."""

from __future__ import annotations

from publisher.records.answers import answered_otherwise, by_question, kept_answer

BEFORE = by_question(
    [
        kept_answer("1+1=?", {"max_new_tokens": 8}, "2"),
        kept_answer("2+2=?", {"max_new_tokens": 8}, "4"),
        kept_answer("3+3=?", {"max_new_tokens": 8}, "6"),
    ]
)


def test_only_a_prompt_that_both_were_asked_alike_can_have_changed() -> None:
    """One is as before, one is not; one was asked under another limit, one is new."""
    now = [
        kept_answer("1+1=?", {"max_new_tokens": 8}, "2"),
        kept_answer("2+2=?", {"max_new_tokens": 8}, "five"),
        kept_answer("3+3=?", {"max_new_tokens": 16}, "six"),
        kept_answer("4+4=?", {"max_new_tokens": 8}, "8"),
    ]

    assert (2, ["2+2=?"]) == answered_otherwise(now, BEFORE)


def test_an_answer_s_words_are_not_kept() -> None:
    """A model may say what it was trained on."""
    assert "Ada Lovelace" not in str(kept_answer("Who?", {}, "Ada Lovelace, 12 St James's Square"))


def test_what_holds_no_answers_tells_of_no_change() -> None:
    """A fact of another version of hubpub may hold anything."""
    assert ({}, {}, (0, [])) == (
        by_question(None),
        by_question([{"prompt": "?"}]),
        answered_otherwise(3, BEFORE),
    )
