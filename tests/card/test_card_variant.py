"""What a card says of weights that another program quantized: what they lose, where it was measured."""

from dataclasses import replace

import pytest
from demo_facts import facts_of

from publisher.card.render import render
from publisher.records.facts import Facts


def test_what_quantizing_costs_is_told_where_a_runtime_was_here(card_of, templates):
    """Whoever chooses among forms wants that number; without it the card says that there is none."""
    card = card_of("compressed_tensors")
    told = facts_of(
        {
            "validate": {
                "validate.compressed_tensors.kl_to_merged": (0.3142, "nats/token"),
                "validate.compressed_tensors.argmax_agreement_to_merged": 0.875,
                "validate.compressed_tensors.positions_to_merged": (40, "tokens"),
            }
        }
    )
    measured = replace(card, facts=Facts([*card.facts.values(), *told.values()]))
    rendered = render(measured, templates)
    one, other = (" ".join(each.text.split()) for each in (rendered, render(card, templates)))

    assert (
        "released as they came from it. Over 40 tokens of the smoke prompts and the answers to them, the quantized "
        "model's next-token distribution is 0.314 nats per token (mean Kullback-Leibler divergence) away from the "
        "full-precision model's, and its first choice is the same for 87.5% of them."
    ) in one
    assert "was not measured" not in one.partition("## Evaluation")[0]
    assert "How much they lose against the original was not measured." in other
    assert "validate.compressed_tensors.kl_to_merged" in {span.fact for span in rendered.spans}


@pytest.mark.parametrize(
    ("kind", "method", "runs", "installed"),
    [
        ("awq", "awq", "by vLLM or by transformers with gptqmodel.", "accelerate gptqmodel"),
        (
            "awq",
            "compressed-tensors",
            "by vLLM or by transformers with compressed-tensors.",
            "accelerate compressed-tensors",
        ),
        ("fp8", "fp8", "by vLLM or by transformers.", "accelerate"),
        ("nvfp4", "modelopt", "by vLLM.", None),
    ],
)
def test_code_is_shown_where_transformers_reads_the_method(card_of, templates, kind, method, runs, installed):
    """A snippet that cannot work is worse than none: what ModelOpt writes, transformers refuses."""
    card = card_of(kind)
    facts = [
        replace(each, value=method) if each.id == f"{kind}.method" else each for each in card.facts.values()
    ]
    text = render(replace(card, facts=Facts(facts)), templates).text
    line = next((line for line in text.splitlines() if line.startswith("pip install ")), None)

    assert runs in " ".join(text.split())
    assert (installed and f'pip install "transformers>=5" {installed}') == line
    assert (installed is not None) == ("from_pretrained(" in text)
    assert "vllm serve" in text


def test_a_square_of_weights_that_share_a_scale_is_told_by_its_sides(card_of, templates):
    """FP8 as DeepSeek lays it out has a scale for each block of 128 × 128."""
    card = card_of("fp8")
    facts = [
        replace(each, value=[128, 128]) if each.id == "fp8.group_size" else each
        for each in card.facts.values()
    ]

    assert (
        "| Weights that share a scale | 128 × 128 |"
        in render(replace(card, facts=Facts(facts)), templates).text
    )
