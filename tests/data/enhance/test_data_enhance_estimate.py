"""What an enhancement will cost, and what it did cost."""

from __future__ import annotations

import pytest
from scripted_endpoint import completion, obliging, words_of

from publisher.data.enhance.estimate import estimate, image_tokens
from publisher.data.enhance.measure import measured
from publisher.data.enhance.prompt import load_prompt
from publisher.manifest.enhance import PriceSettings

pytestmark = pytest.mark.models

PRICE = PriceSettings(input_per_million=2.0, output_per_million=8.0)


@pytest.mark.parametrize(
    ("width", "height", "tokens"),
    [
        (1024, 1024, 765),  # the two examples of OpenAI's own page
        (2048, 4096, 1105),
        (480, 480, 765),
    ],
)
def test_a_picture_costs_what_the_rule_says(width, height, tokens):
    """A rule that is documented elsewhere is held to the examples there."""
    assert tokens == image_tokens(width, height)


def test_only_what_is_not_kept_is_counted_and_nothing_is_asked(endpoint, targets, settings, ask, tmp_path):
    """`--dry-run` before a second run tells what is left to pay."""
    chosen = settings(price=PRICE, image_tokens=500, max_output_tokens=300)
    ask(targets(2), chosen)
    found = estimate(targets(5), chosen, load_prompt(), tmp_path / "cache")

    assert 2 == len(endpoint.asked)
    assert (5, 2, 3) == (found.targets, found.cached, found.requests)
    assert 3 * 1000 < found.input_tokens < 3 * 2000
    assert 900 == found.output_tokens_at_most > found.output_tokens > 0
    assert (found.input_tokens * 2.0 + 900 * 8.0) / 1e6 == found.cost_at_most
    assert "USD" == found.currency


def test_an_estimate_needs_no_key_and_without_prices_names_tokens_alone(
    endpoint, targets, settings, tmp_path, monkeypatch
):
    """Whoever has no account yet wants to know as well."""
    monkeypatch.delenv("OPENAI_API_KEY")
    found = estimate(targets(1), settings(), load_prompt(), tmp_path / "cache")

    assert (1, None, None) == (found.requests, found.cost, found.currency)
    assert found.input_tokens > 2 * 765


def test_facts_tell_the_model_the_counts_and_the_price(endpoint, targets, settings, ask):
    """Two answers of no use were paid for as well; a resumed run counts them too."""
    endpoint.script = lambda _, body: completion("No.") if "ship 1" in words_of(body) else obliging(body)
    chosen = settings(attempts=2, price=PRICE, seed=7)
    ask(targets(2), chosen)
    facts = {
        one.id.removeprefix("dataset.enhance."): one
        for one in measured(ask(targets(3), chosen), chosen, load_prompt())
    }

    told = {name: fact.value for name, fact in facts.items() if fact.value not in (None, 0)}
    assert {
        "model": "scripted",
        "models_reported": ["scripted-2026-11-30"],
        "prompt_version": "hubpub-1",
        "targets": 3,
        "enhanced": 2,
        "not_json": 1,
        "variations": 4,
        "unique": 4,
        "answers": 4,
        "cached": 2,
        "input_tokens": 4000,
        "output_tokens": 400,
        "seed": 7,
        "cost": (4000 * 2.0 + 400 * 8.0) / 1e6,
    } == told
    assert "unknown" == facts["provider"].status
    assert 0 == facts["refused"].value


def test_no_fact_names_a_private_host(endpoint, targets, settings, ask):
    """Facts are published."""
    chosen = settings()
    facts = measured(ask(targets(1), chosen), chosen, load_prompt())

    assert not any("127.0.0.1" in str(fact.value) for fact in facts)
