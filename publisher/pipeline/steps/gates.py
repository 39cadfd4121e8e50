"""gates: hold the manifest's bounds against the facts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from publisher.errors import HubpubError
from publisher.manifest.evaluation import GateSettings
from publisher.pipeline.services import LastVersion, Wishes
from publisher.records.answers import answered_otherwise
from publisher.records.benchmarks import benchmark_of
from publisher.records.facts import Facts, Json
from publisher.records.metrics import PREFIX, metric_of, parts_of

Gates = dict[str, GateSettings]

BEATS = ".beats_base"  # how the ids of facts end that say whether a tuned model is better than its base


@dataclass(frozen=True)
class Gated:
    """How many gates held: all of them, or there is no record; and those that nobody may judge a stand-in by.

    `worse`: tuned models that are let through though they do not beat their base.
    """

    held: int
    refused: int = 0
    worse: tuple[str, ...] = ()


def gates(bounds: Gates, facts: Facts, last: LastVersion, wishes: Wishes) -> Gated:
    """Hold every gate; against the last version, where there is one and the same was measured of it.

    One gate nobody has to set: a model that was tuned has a lower held-out loss than its base, or is released only with
    `--allow-worse`. What was released that way is not asked again while its numbers stay the same.

    Raises:
        HubpubError: HP-E09 with every gate that was missed.
    """
    refused = {fact_id for fact_id in bounds if fact_id in facts and facts[fact_id].status == "refused"}
    missed = [
        problem
        for fact_id, gate in sorted(bounds.items())
        if fact_id not in refused
        for problem in _missed(fact_id, gate, facts, last)
    ]
    worse = tuple(_worse(facts, last))
    if missed:
        raise HubpubError(
            "HP-E09",
            "gates missed: " + "; ".join([*missed, *(() if wishes.allow_worse else worse)]),
            where="release.yaml: gates",
            hint="train longer or on more data; a gate is lowered in the manifest, where a review sees it",
            missed=missed,
        )
    if worse and not wishes.allow_worse:
        raise HubpubError(
            "HP-E09",
            f"not better than the base on the held-out rows: {'; '.join(worse)}",
            where="release.yaml: evaluate",
            hint="train longer or on more data; or release it all the same, and its card says so: --allow-worse",
            missed=list(worse),
        )
    return Gated(len(bounds) - len(refused), len(refused), worse)


def _worse(facts: Facts, last: LastVersion) -> Iterator[str]:
    """Tuned models whose held-out loss is not below their base's, but for those that were released with these numbers."""
    base = facts.value(f"{PREFIX}base.loss")
    for fact_id in facts:
        if not fact_id.startswith(PREFIX) or not fact_id.endswith(BEATS) or facts.value(fact_id) is not False:
            continue
        kind = fact_id.removeprefix(PREFIX).removesuffix(BEATS)
        loss = facts.value(f"{PREFIX}{kind}.loss")
        if [loss, base] != [last.numbers.get(f"{PREFIX}{of}.loss") for of in (kind, "base")]:
            yield f"{kind} has a loss of {loss:.4f} nats/token, the base {base:.4f}"


def _missed(fact_id: str, gate: GateSettings, facts: Facts, last: LastVersion) -> list[str]:
    value = facts.value(fact_id)
    if gate.max_changed is not None and isinstance(value, list | tuple):
        return list(_changed(fact_id, gate.max_changed, value, last))
    if not isinstance(value, int | float):
        return [f"{fact_id} was not measured"]
    problems = []
    if gate.max is not None and value > gate.max:
        problems.append(f"{fact_id} is {value:.4g}, at most {gate.max:g} is allowed")
    if gate.min is not None and value < gate.min:
        problems.append(f"{fact_id} is {value:.4g}, at least {gate.min:g} is needed")
    if gate.must_beat is not None:
        benchmark = benchmark_of(fact_id)
        rival = facts.value(
            benchmark[1].of(gate.must_beat)
            if benchmark
            else f"{PREFIX}{gate.must_beat}.{parts_of(fact_id)[1]}"
        )
        if not isinstance(rival, int | float) or not _beats(fact_id, value, rival, facts):
            problems.append(f"{fact_id} is {value:.4g} and does not beat the {gate.must_beat}'s {rival}")
    before = last.numbers.get(fact_id)
    if before is not None:
        was = f"{fact_id} is {value:.4g}, in {last.number} it was {before:.4g}"
        if gate.max_rise is not None and value - before > gate.max_rise:
            problems.append(f"{was}: at most {gate.max_rise:g} more is allowed")
        if gate.max_fall is not None and before - value > gate.max_fall:
            problems.append(f"{was}: at most {gate.max_fall:g} less is allowed")
    return problems


def _beats(fact_id: str, value: float, rival: float, facts: Facts) -> bool:
    """Whether a value is the better one; of what is no metric of ours and no benchmark that says, the lower is."""
    found, benchmark = metric_of(fact_id), benchmark_of(fact_id)
    better = found[1].better if found else facts.value(benchmark[1].better) if benchmark else None
    return value > rival if better == "higher" else value < rival


def _changed(fact_id: str, most: int, answers: Json, last: LastVersion) -> Iterator[str]:
    """Prompts that the last version was not asked, or not in this way, are no change."""
    asked, otherwise = answered_otherwise(answers, last.answers.get(fact_id, {}))
    if len(otherwise) > most:
        told = ", ".join(map(repr, otherwise))
        yield (
            f"{fact_id}: {len(otherwise)} of {asked} prompts have another answer than in {last.number}, "
            f"at most {most} may: {told}"
        )
