"""Gates hold the manifest's bounds against facts, all of them at once."""

from __future__ import annotations

import pytest

from publisher.errors import HubpubError
from publisher.manifest.evaluation import GateSettings
from publisher.pipeline.services import LastVersion
from publisher.pipeline.steps.gates import gates
from publisher.records.facts import Fact, Facts, StatedSource

FACTS = Facts(
    Fact(fact_id, value, None, "known" if value is not None else "unknown", "evaluate", StatedSource("test"))
    for fact_id, value in {
        "evaluate.base.loss": 2.0,
        "evaluate.adapter.loss": 1.5,
        "evaluate.nf4.loss": 2.5,
        "evaluate.merged.loss": None,
    }.items()
)

LAST = LastVersion("1.0.0", numbers={"evaluate.adapter.loss": 1.25, "evaluate.nf4.loss": 2.75})


def _missed(**bounds: GateSettings) -> list[str]:
    with pytest.raises(HubpubError) as caught:
        gates({name.replace("_", "."): gate for name, gate in bounds.items()}, FACTS, LAST)
    assert "HP-E09" == caught.value.code
    return list(caught.value.data["missed"])


def test_gates_that_hold_are_counted() -> None:
    """The line says how many were held, so that none is forgotten silently."""
    bounds = {
        "evaluate.adapter.loss": GateSettings(must_beat="base"),
        "evaluate.nf4.loss": GateSettings(max=3.0, min=1.0),
    }

    assert 2 == gates(bounds, FACTS, LAST).held


def test_every_missed_gate_is_named_with_value_and_bound() -> None:
    """One run tells everything that is wrong."""
    missed = _missed(
        evaluate_nf4_loss=GateSettings(max=2.25, must_beat="base"),
        evaluate_adapter_loss=GateSettings(min=1.75),
    )

    assert [
        "evaluate.adapter.loss is 1.5, at least 1.75 is needed",
        "evaluate.nf4.loss is 2.5, at most 2.25 is allowed",
        "evaluate.nf4.loss is 2.5 and does not beat the base's 2.0",
    ] == missed


@pytest.mark.parametrize("fact_id", ["evaluate_merged_loss", "evaluate_gguf_loss"])
def test_a_gate_on_what_was_not_measured_is_missed(fact_id: str) -> None:
    """Unknown is no pass."""
    dotted = fact_id.replace("_", ".")

    assert [f"{dotted} was not measured"] == _missed(**{fact_id: GateSettings(max=9.0)})


def test_equal_to_the_base_is_not_better_than_the_base() -> None:
    """An adapter that changes nothing beats nobody."""
    assert ["evaluate.base.loss is 2 and does not beat the base's 2.0"] == _missed(
        evaluate_base_loss=GateSettings(must_beat="base")
    )


def test_a_version_may_not_be_worse_than_the_last_one_by_more_than_is_allowed() -> None:
    """A bound on the number itself lets a slow decline pass, version by version."""
    rises = _missed(evaluate_adapter_loss=GateSettings(max_rise=0.125))
    falls = _missed(evaluate_nf4_loss=GateSettings(max_fall=0.125))

    assert ["evaluate.adapter.loss is 1.5, in 1.0.0 it was 1.25: at most 0.125 more is allowed"] == rises
    assert ["evaluate.nf4.loss is 2.5, in 1.0.0 it was 2.75: at most 0.125 less is allowed"] == falls


def test_the_first_version_and_a_small_step_are_held() -> None:
    """There is nothing to fall behind yet; and a step within the bound is one."""
    bounds = {"evaluate.adapter.loss": GateSettings(max_rise=0.25, max_fall=0.0)}

    assert 1 == gates(bounds, FACTS, LastVersion(None)).held == gates(bounds, FACTS, LAST).held
