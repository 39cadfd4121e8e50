"""A training that was made elsewhere, as cards tell it: what is there, and nothing besides."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from publisher.card.render import render
from publisher.card.templates import Templates
from publisher.card.view import CardInput, Prose
from publisher.errors import HubpubError
from publisher.records.facts import Fact, Facts, FileSource

SOURCE = {"train.source.wandb.file": "history.csv", "train.source.wandb.sha256": "ab" * 32}
EVIDENCE = FileSource("evidence/imported.json", "cd" * 32)
LOG = [{"step": 0, "loss": 2.5}, {"step": 1, "loss": None}, {"step": 2, "loss": 1.5}]


def _fact(fact_id: str, value: Any) -> Fact:
    return Fact(fact_id, value, None, "known", "imported", EVIDENCE)


@pytest.fixture
def training_of(card_of: Callable[..., CardInput], templates: Templates) -> Callable[..., str]:
    """The card's part on training and evaluation, with these facts in place of a training of ours; no evaluation."""

    def rendered(
        without: tuple[str, ...] = ("evaluate.",), prose: tuple[Prose, ...] = (), **told: Any
    ) -> str:
        plain = card_of("adapter", without=("train.", *without), assets=(), prose=prose)
        ids = {f"train.{key}": value for key, value in told.items()} | SOURCE
        facts = [*plain.facts.values(), *(_fact(fact_id, value) for fact_id, value in ids.items())]
        text = render(replace(plain, facts=Facts(facts)), templates)
        return text.text.partition("## Training")[2].partition("## Architecture")[0]

    return rendered


def test_one_setting_alone_makes_a_section_without_gaps(training_of: Callable[..., str]) -> None:
    """Whatever the trainer's files do not tell is left out: no row, no heading, no unknown."""
    text = training_of(learning_rate=0.0002)

    assert "| Learning rate (peak) | 2e-4 |" in text
    assert "`history.csv` (sha256 `abab" in text
    assert "### Training loss" not in text
    assert "unknown" not in text
    assert "| LoRA rank r | 64 |" in text, "from the adapter itself"


def test_a_log_that_counts_entries_is_not_called_steps(training_of: Callable[..., str]) -> None:
    """A tracker's counter is not the optimizer's."""
    text = training_of(
        log=LOG,
        log_rows=3,
        log_counts="log entries",
        first_loss=2.5,
        final_loss=1.5,
        log_not_finite={"loss": 1},
    )

    assert "| Entry of the log | Loss |\n|---:|---:|\n| 0 | 2.5000 |\n| 1 | unknown |\n| 2 | 1.5000 |" in text
    assert (
        "From 2.5000 at the first entry of the trainer's log to 1.5000 at the last, over 3 entries." in text
    )
    assert "no finite numbers: `loss` (1)" in text
    assert "optimizer step" not in text
    assert "nats" not in text


def test_the_held_out_rows_are_not_said_to_be_of_the_trainings_source(
    training_of: Callable[..., str],
) -> None:
    """Where another trainer's rows came from, this release does not know."""
    assert "The rows come from the same source as the training rows" not in training_of(without=(), steps=30)


def test_a_run_that_ended_early_and_went_back_says_so(training_of: Callable[..., str]) -> None:
    """Its last loss is not that of the weights that are published."""
    text = training_of(steps=30, steps_planned=40, epochs=1.5, best_loaded=True, best_step=20)

    assert "made 30 optimizer steps of 40 planned (epochs: 1.50)" in text
    assert "went back to the weights of step 20" in text


def test_prose_that_quotes_what_no_file_tells_is_sent_to_the_manifest(
    training_of: Callable[..., str],
) -> None:
    """There is no training here that could be run again."""
    prose = Prose("training", "It took {{ train.seconds }}.", "training.md")
    with pytest.raises(HubpubError) as caught:
        training_of(learning_rate=0.0002, prose=(prose,))

    assert ("HP-C01", "training.md:1") == (caught.value.code, caught.value.where)
    assert "under training_run:, or write train.seconds under stated:" in caught.value.hint
