"""gates: hold the manifest's bounds against the facts."""

from __future__ import annotations

from dataclasses import dataclass

from publisher.errors import HubpubError
from publisher.manifest.evaluation import GateSettings
from publisher.pipeline.services import LastVersion
from publisher.records.facts import Facts

Gates = dict[str, GateSettings]


@dataclass(frozen=True)
class Gated:
    """How many gates held: all of them, or there is no record."""

    held: int


def gates(bounds: Gates, facts: Facts, last: LastVersion) -> Gated:
    """Hold every gate; against the last version, where there is one and the same was measured of it.

    Raises:
        HubpubError: HP-E09 with every gate that was missed.
    """
    missed = [
        problem for fact_id, gate in sorted(bounds.items()) for problem in _missed(fact_id, gate, facts, last)
    ]
    if missed:
        raise HubpubError(
            "HP-E09",
            "gates missed: " + "; ".join(missed),
            where="release.yaml: gates",
            hint="train longer or on more data; a gate is lowered in the manifest, where a review sees it",
            missed=missed,
        )
    return Gated(len(bounds))


def _missed(fact_id: str, gate: GateSettings, facts: Facts, last: LastVersion) -> list[str]:
    value = facts.value(fact_id)
    if not isinstance(value, int | float):
        return [f"{fact_id} was not measured"]
    problems = []
    if gate.max is not None and value > gate.max:
        problems.append(f"{fact_id} is {value:.4g}, at most {gate.max:g} is allowed")
    if gate.min is not None and value < gate.min:
        problems.append(f"{fact_id} is {value:.4g}, at least {gate.min:g} is needed")
    if gate.must_beat is not None:
        metric = fact_id.rsplit(".", 1)[-1]
        rival = facts.value(f"evaluate.{gate.must_beat}.{metric}")
        if not isinstance(rival, int | float) or value >= rival:
            problems.append(f"{fact_id} is {value:.4g} and does not beat the {gate.must_beat}'s {rival}")
    before = last.numbers.get(fact_id)
    if before is not None:
        was = f"{fact_id} is {value:.4g}, in {last.number} it was {before:.4g}"
        if gate.max_rise is not None and value - before > gate.max_rise:
            problems.append(f"{was}: at most {gate.max_rise:g} more is allowed")
        if gate.max_fall is not None and before - value > gate.max_fall:
            problems.append(f"{was}: at most {gate.max_fall:g} less is allowed")
    return problems
