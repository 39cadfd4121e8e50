"""The evaluation on a card: every number with how sure it is, and a model that does not beat its base says so."""

from __future__ import annotations

from dataclasses import replace

from publisher.card import evaluated
from publisher.card.render import render
from publisher.card.trace import unaccounted
from publisher.records.facts import Facts

AGAIN = "Not evaluated"


def test_models_stand_side_by_side_with_what_the_dataset_says_itself(card_of, templates):
    """One line a metric; what was not measured of a model is an empty cell, never a zero."""
    text = render(card_of("merged"), templates).text

    assert "| Base model | Adapter | Merged (this repo) | 4-bit NF4 |" in text
    assert "| chrF | 31.8 [27.7, 35.9] | 78.2 [73.0, 83.4] | 78.1 [72.9, 83.3] |  |" in text
    assert "| Picks exactly the intended item | 0% [0%, 0%] | 59% [43%, 75%] |  | 100% |" in text
    assert "| chrF | +46.4 [+40.0, +52.8], p = 0.0002 |  |  |" in text


def test_a_model_that_does_not_beat_its_base_says_so_first_thing(card_of, templates):
    """It was let through by a flag; the reader has to know."""
    better, worse = (_beating(card_of("merged"), beats=beats) for beats in (True, False))
    told = "**This model does not beat its base model**: its loss on the held-out rows is 1.2603\n"

    assert told.replace("\n", " ") not in render(better, templates).text
    text = render(worse, templates).text
    assert text.index(told.replace("\n", " ")) < text.index("Loss over the answer tokens")
    assert [] == unaccounted(render(worse, templates))


def test_a_card_without_numbers_says_that_nothing_was_evaluated(card_of, templates):
    """Silence would read as if it did not matter; the author's words stay."""
    card = card_of("adapter", without=("evaluate.",))
    text = render(card, templates).text

    assert "## Evaluation\n\nNot evaluated: this release measured nothing on held-out rows.\n" in text


def test_files_that_are_not_evaluated_themselves_point_to_the_model_that_was(card_of, templates):
    """GGUF files are made of the merged model, whose card has the numbers."""
    text = render(card_of("gguf"), templates).text

    assert (
        f"{AGAIN} by itself. The model that it was made from was, on held-out rows: see [luisml77/smollm2-aerial]"
        in text
    )


def test_tables_have_only_what_was_measured(card_of):
    """A model without answers has no column among the answers."""
    facts = card_of("merged").facts

    assert ("base", "adapter", "merged", "nf4") == evaluated.losses(facts).columns
    assert ("base", "adapter", "merged", "references") == evaluated.answers(facts).columns
    assert ("adapter", "merged", "nf4") == evaluated.differences(facts).columns
    assert ((), ()) == (evaluated.losses(Facts()).columns, evaluated.losses(Facts()).rows)


def _beating(card, *, beats):
    name = f"evaluate.{card.kind}.beats_base"
    others = [fact for fact in card.facts.values() if fact.id != name]
    return replace(card, facts=Facts([*others, replace(card.facts[name], value=beats)]))
