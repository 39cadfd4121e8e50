"""The cards as readers see them, whole. `UPDATE_GOLDEN=1 pytest tests/card` writes them anew."""

import os
from pathlib import Path

import pytest

from publisher.card.render import render
from publisher.card.trace import unaccounted
from publisher.records.artifacts import KINDS

GOLDEN = Path(__file__).parents[1] / "golden" / "cards"


@pytest.mark.parametrize("kind", KINDS)
def test_the_card_of_each_artifact_reads_as_the_golden_one(kind, card_of, templates):
    """What users see is what we review: a changed word shows in the diff."""
    path = GOLDEN / f"{kind}.md"
    actual = render(card_of(kind), templates).text
    if os.environ.get("UPDATE_GOLDEN"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(actual, encoding="utf-8")

    assert path.read_text(encoding="utf-8") == actual


@pytest.mark.parametrize("kind", KINDS)
def test_every_number_of_each_card_is_accounted_for(kind, card_of, templates):
    """The promise that the whole project rests on."""
    actual = unaccounted(render(card_of(kind), templates))

    assert not actual


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_facts_give_the_same_bytes_and_the_same_trace(kind, card_of, templates):
    """A card that changes by itself would be a new commit on every run."""
    assert render(card_of(kind), templates) == render(card_of(kind), templates)
