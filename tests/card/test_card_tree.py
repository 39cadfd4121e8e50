"""The model's modules as a tree: exact counts, and what training did to each."""

from __future__ import annotations

from dataclasses import replace

from publisher.card.render import render
from publisher.card.trace import unaccounted
from publisher.card.tree import tree
from publisher.records.facts import Facts


def test_the_trees_parameters_are_all_of_the_models(facts):
    """A tree that leaves something out would be a wrong picture with right numbers."""
    counted = sum(line.parameters.value for line in tree(facts) if line.parameters)

    assert facts["base.parameters"].value == counted


def test_what_was_trained_is_told_apart_by_the_adapters_own_names(facts):
    """A vision tower has a `q_proj` as well: names decide, not endings."""
    seeing = {"module": "vision.layers.*.self_attn.q_proj", "times": 2, "shape": [8, 8], "parameters": 128}
    base = replace(facts["base.outline"], value=[*facts["base.outline"].value, seeing])
    lines = tree(Facts({**facts, "base.outline": base}.values()))
    adapted = [(line.branch.split()[-1], line.adapted) for line in lines if "q_proj" in line.branch]

    assert [("q_proj", True), ("layers.*.self_attn.q_proj", False)] == [
        (name.removeprefix("vision."), there) for name, there in adapted
    ]
    assert facts["adapter.parameters"].value == sum(line.added.value for line in lines if line.added)


def test_without_the_adapters_outline_its_targets_decide(facts):
    """An adapter that an earlier version measured has no outline; its card must not say `frozen` for all."""
    old = Facts(fact for fact in facts.values() if fact.id != "adapter.outline")
    adapted = [line.branch.split()[-1] for line in tree(old) if line.adapted]

    assert ["k_proj", "o_proj", "q_proj", "v_proj"] == adapted


def test_each_artifacts_tree_says_what_is_true_of_it(card_of, templates):
    """In the adapter the base is frozen; in the merged model the same weights were changed; the base knows neither."""
    lines = {
        kind: next(line for line in render(card_of(kind), templates).text.splitlines() if "─ q_proj" in line)
        for kind in ("base", "adapter", "merged")
    }
    ends = {kind: line.partition("576 × 576")[2] for kind, line in lines.items()}

    assert {
        "base": "",
        "adapter": ", frozen, 2,211,840 trained beside them",
        "merged": ", changed by training",
    } == ends


def test_a_model_of_too_many_kinds_of_modules_has_no_tree(card_of, templates):
    """Nobody reads a thousand lines, and the table above has the counts."""
    card = card_of("merged")
    many = [{"module": f"block{n}.w", "times": 1, "shape": [n], "parameters": n} for n in range(1, 99)]
    facts = Facts({**card.facts, "base.outline": replace(card.facts["base.outline"], value=many)}.values())
    rendered = render(replace(card, facts=facts), templates)

    assert "```text" not in rendered.text
    assert not unaccounted(rendered)
