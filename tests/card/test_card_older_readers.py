"""What a card says of older versions of transformers."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import Any

import pytest

from publisher.card.render import render
from publisher.card.templates import Templates
from publisher.card.view import CardInput
from publisher.records.facts import Fact, Facts, FileSource

LINE = "| The same answers with transformers "
NAME = "validate.merged.transformers_4"


@pytest.mark.parametrize(
    ("told", "line"),
    [
        ({}, None),
        ({"": True, "_version": "4.57.6"}, "4.57.6 | yes |"),
        (
            {"": False, "_version": "4.57.6", "_fault": "it does not load: ValueError: x"},
            "4.57.6 | no: it does not load: ValueError: x |",
        ),
        ({"": None}, "4 | unknown |"),
    ],
)
def test_a_card_says_whether_the_previous_major_reads_the_model(
    told: dict[str, Any],
    line: str | None,
    card_of: Callable[..., CardInput],
    facts: Facts,
    templates: Templates,
) -> None:
    """Nothing where nobody asked; unknown where it could not be had."""
    source = FileSource("evidence/validate.json", sha256(b"x").hexdigest())
    more = [
        Fact(NAME + name, value, None, "unknown" if value is None else "known", "validate", source)
        for name, value in told.items()
    ]
    text = render(card_of("merged", facts=Facts([*facts.values(), *more])), templates).text
    found = next((row for row in text.splitlines() if row.startswith(LINE)), None)

    assert (LINE + line if line else None) == found
