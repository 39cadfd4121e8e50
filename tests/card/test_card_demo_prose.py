"""The demo's own words: what we show to others must pass what we ask of them."""

from __future__ import annotations

import pytest
from demo_facts import DEMO

from publisher.card.render import render
from publisher.card.trace import unaccounted
from publisher.manifest.project import find_project
from publisher.pipeline.opened import Release
from publisher.records.artifacts import KINDS


@pytest.mark.parametrize("kind", KINDS)
def test_every_number_in_the_demo_s_prose_is_a_fact_or_stated(kind, card_of, templates):
    """`4 bits`, written by hand, stayed true only as long as nobody took another file of the base."""
    words = Release.open(find_project(DEMO), DEMO.name).words
    rendered = render(card_of(kind, prose=tuple(words)), templates)

    assert () == tuple(unaccounted(rendered))
    assert kind != "base" or "went through Q4" in rendered.text
