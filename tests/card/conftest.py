"""A release like the demo, as a card sees it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from demo_facts import (
    GGUF_MEASURED,
    GGUF_REPO,
    MEASURED,
    OWNER,
    PROSE,
    REPOS,
    STATED,
    facts_of,
    variant_measured,
)

from publisher.card.templates import Templates
from publisher.card.view import Author, CardInput, Citation, Sibling
from publisher.records.artifacts import Kind
from publisher.records.facts import Facts
from publisher.records.forms import FORMS, suffix_of

# Repos that the demo does not release, and that have a card all the same.
OTHERS = {"gguf": GGUF_REPO, **{kind: f"{OWNER}/smollm2-aerial{suffix_of(kind)}" for kind in FORMS}}


@pytest.fixture
def facts() -> Facts:
    return Facts([*facts_of(MEASURED).values(), STATED])


@pytest.fixture
def templates() -> Templates:
    return Templates.of()


@pytest.fixture
def card_of(facts: Facts) -> Callable[..., CardInput]:
    """A card of the release: `card_of('adapter', without=('train.lora.r',), version='2.0.0')`."""

    def make(kind: Kind, *, without: tuple[str, ...] = (), **changes: Any) -> CardInput:
        more = GGUF_MEASURED if kind == "gguf" else variant_measured(kind) if kind in FORMS else {}
        told = [*facts.values(), *facts_of(more).values()]
        card = CardInput(
            name="smollm2-aerial",
            version="1.0.0",
            kind=kind,
            repo_id={**OTHERS, **REPOS}[kind],
            title="SmolLM2 Aerial",
            owner=OWNER,
            licence="apache-2.0",
            facts=Facts(f for f in told if not f.id.startswith(without or ("?",))),
            siblings=tuple(Sibling(other, REPOS[other]) for other in REPOS if other != kind),
            prose=PROSE,
            language=("en",),
            tags=("aerial", "referring-expressions"),
            authors=(Author("Luis Marnoto"),),
            citation=Citation(year=2026),
            base_repo=REPOS["base"],
            base_revision="v1.0.0" if kind in ("adapter", "merged") else None,
            base_in_release=True,
            datasets=(REPOS["dataset"],),
            dataset_in_release=True,
            smoke_prompt="Objects: ship at top left; ship at bottom right. Describe the ship at top left.",
            assets=("assets/loss.png", "evidence/facts.json", "LICENSE"),
            checks={"Card, metadata and weights files read by hubpub": "no errors"},
        )
        return replace(card, **changes)

    return make
