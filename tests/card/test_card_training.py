"""What the training section says beyond its table: which part of the model was adapted, and whose weights these are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from demo_facts import facts_of

from publisher.card.render import render
from publisher.card.templates import Templates
from publisher.card.view import CardInput
from publisher.records.facts import Facts


@pytest.mark.parametrize(
    ("vision_tower", "said"),
    [
        (False, "They would have been 11,943,936 parameters more."),
        (True, "Layers of the vision tower were adapted too: 11,943,936 of the trained parameters."),
    ],
)
def test_the_card_says_which_part_of_an_image_text_model_was_adapted(
    card_of: Callable[..., CardInput], templates: Templates, vision_tower: bool, said: str
) -> None:
    """The same names stand for layers of both; a reader cannot tell from the list of targets."""
    more = {
        "train.lora.vision_tower": vision_tower,
        "train.lora.vision_parameters": 11_943_936,
        "train.images_seen": 2016,
    }
    text = _rendered(card_of, templates, more)

    assert said in text
    assert "2,016 pictures" in text


def test_the_card_names_the_step_whose_weights_the_adapter_has(
    card_of: Callable[..., CardInput], templates: Templates
) -> None:
    more = {"train.eval_every": 10, "train.eval_rows": 64, "train.best_step": 40, "train.best_loss": 0.61234}
    text = _rendered(card_of, templates, more)

    assert (
        "The adapter has the weights of step 40, where it was lowest: 0.6123 nats per answer token." in text
    )


def _rendered(card_of: Callable[..., CardInput], templates: Templates, more: dict[str, object]) -> str:
    card = card_of("adapter")
    facts = Facts([*card.facts.values(), *facts_of({"train": more}).values()])
    return " ".join(render(replace(card, facts=facts), templates).text.split())
