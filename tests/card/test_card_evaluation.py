"""The evaluation on a card: every number with how sure it is, and a model that does not beat its base says so."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import yaml
from demo_facts import facts_of

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


def test_each_gguf_file_has_a_column_in_its_own_card_and_in_the_others(card_of, templates):
    """A reader chooses among files by what each of them loses; which program computed that is said."""
    here, there = (render(_with_ggufs(card_of(kind)), templates) for kind in ("gguf", "merged"))
    told = (
        "GGUF files were unpacked to float32 and computed by transformers, not by llama.cpp, "
        "and were asked for no answers."
    )

    assert "| 4-bit NF4 | GGUF BF16 (this repo) | GGUF Q8_0 (this repo) |" in here.text
    assert "| 4-bit NF4 | GGUF BF16 | GGUF Q8_0 |" in there.text
    assert "| GGUF Q8_0 against merged |" in there.text
    assert "**GGUF Q8_0 does not beat its base model**" in here.text
    assert "does not beat" not in there.text
    assert [told in card.text for card in (here, there)] == [True, True]
    assert AGAIN not in here.text
    assert [[], []] == [unaccounted(here), unaccounted(there)]


def test_a_gguf_repos_results_name_the_file(card_of, templates):
    """The Hub shows them without the table."""
    card = _with_ggufs(card_of("gguf"))
    (model,) = yaml.safe_load(render(card, templates).text.split("---")[1])["model-index"]
    metrics = model["results"][0]["metrics"]

    assert [1.26034, 3.72114] == [one["value"] for one in metrics if one["type"] == "loss"]
    assert "Loss (nats/token), GGUF Q8_0" in {one["name"] for one in metrics}


@pytest.mark.parametrize("kind", ["gguf", "awq"])
def test_what_could_not_be_measured_is_unknown_and_the_card_says_why(card_of, templates, kind):
    """An empty cell would look like an oversight."""
    about, name = ("gguf.iq1_s", "GGUF IQ1_S") if kind == "gguf" else ("awq", "AWQ")
    unknown = {f"evaluate.{about}.loss": (None, "nats/token"), f"evaluate.{about}.perplexity": None}
    card = card_of(kind)
    told = [
        *facts_of({"evaluate": {f"evaluate.{about}.unmeasured": "transformers does not read it"}}).values()
    ]
    told += [replace(f, value=None, status="unknown") for f in facts_of({"evaluate": unknown}).values()]
    rendered = render(replace(card, facts=Facts([*card.facts.values(), *told])), templates)

    assert f"- {name} was not measured: transformers does not read it." in rendered.text
    assert f"| {name} (this repo) |" in rendered.text
    assert [] == unaccounted(rendered)


def test_tables_have_only_what_was_measured(card_of):
    """A model without answers has no column among the answers."""
    facts = card_of("merged").facts

    assert ("base", "adapter", "merged", "nf4") == evaluated.losses(facts).columns
    assert ("base", "adapter", "merged", "references") == evaluated.answers(facts).columns
    assert ("adapter", "merged", "nf4") == evaluated.differences(facts).columns
    assert ((), ()) == (evaluated.losses(Facts()).columns, evaluated.losses(Facts()).rows)


def _with_ggufs(card):
    measured = {}
    for kind, loss, cost in (("bf16", 1.26034, 0.0), ("q8_0", 3.72114, 2.4608)):
        about = f"evaluate.gguf.{kind}"
        measured |= {
            f"{about}.loss": (loss, "nats/token"),
            f"{about}.perplexity": math.exp(loss),
            f"{about}.loss_change": (cost, "nats/token"),
            f"{about}.against": "merged",
            f"{about}.beats_base": kind == "bf16",
            f"{about}.compute_dtype": "float32",
        }
    return replace(card, facts=Facts([*card.facts.values(), *facts_of({"evaluate": measured}).values()]))


def _beating(card, *, beats):
    name = f"evaluate.{card.kind}.beats_base"
    others = [fact for fact in card.facts.values() if fact.id != name]
    return replace(card, facts=Facts([*others, replace(card.facts[name], value=beats)]))
