"""What a card may say of an enhancement: the model, what it wrote, what it cost, and what came to nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from publisher.data.enhance.answer import OUTCOMES
from publisher.data.enhance.endpoint import provider_of
from publisher.data.enhance.estimate import cost_of
from publisher.data.enhance.prompt import Prompt
from publisher.data.enhance.records import Enhanced
from publisher.manifest.enhance import EnhanceSettings
from publisher.records.facts import Json, Measurement


def measured(
    results: Sequence[Enhanced], settings: EnhanceSettings, prompt: Prompt
) -> tuple[Measurement, ...]:
    """Facts of one enhancement. Answers count whenever they came: a build that was resumed paid for them too."""
    answers = [answer for one in results for answer in one.answers]
    names = sorted({answer.model for answer in answers if answer.model})
    outcomes = Counter(one.outcome for one in results)
    spent_in = _sum([answer.input_tokens for answer in answers])
    spent_out = _sum([answer.output_tokens for answer in answers])
    cost = None if spent_in is None or spent_out is None else cost_of(settings.price, spent_in, spent_out)
    facts = [
        Measurement("dataset.enhance.model", settings.model),
        _told("dataset.enhance.models_reported", names or None),
        _told("dataset.enhance.provider", provider_of(settings)),
        Measurement("dataset.enhance.prompt_version", prompt.version),
        Measurement("dataset.enhance.targets", len(results), "items"),
        *(Measurement(f"dataset.enhance.{outcome}", outcomes[outcome], "items") for outcome in OUTCOMES),
        Measurement("dataset.enhance.variations", sum(len(one.variations) for one in results), "expressions"),
        Measurement("dataset.enhance.unique", sum(len(one.unique) for one in results), "expressions"),
        Measurement("dataset.enhance.answers", len(answers), "answers"),
        Measurement("dataset.enhance.cached", sum(not one.asked for one in results), "items"),
        _told("dataset.enhance.input_tokens", spent_in, "tokens"),
        _told("dataset.enhance.output_tokens", spent_out, "tokens"),
    ]
    if settings.temperature is not None:
        facts.append(Measurement("dataset.enhance.temperature", settings.temperature))
    if settings.seed is not None:
        facts.append(Measurement("dataset.enhance.seed", settings.seed))
    if settings.price is not None:
        facts.append(_told("dataset.enhance.cost", cost, settings.price.currency))
    return tuple(facts)


def _sum(counts: Sequence[int | None]) -> int | None:
    """All of them; None where one is unknown."""
    known = [count for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else None


def _told(fact_id: str, value: Json, unit: str | None = None) -> Measurement:
    return Measurement(fact_id, value, unit, status="unknown" if value is None else "known")
