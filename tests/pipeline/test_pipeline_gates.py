"""Gates hold the manifest's bounds against facts, all of them at once."""

from __future__ import annotations

import pytest

from publisher.errors import HubpubError
from publisher.manifest.schema import GateSettings
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


def _missed(**bounds: GateSettings) -> list[str]:
    with pytest.raises(HubpubError) as caught:
        gates({name.replace("_", "."): gate for name, gate in bounds.items()}, FACTS)
    assert "HP-E09" == caught.value.code
    return list(caught.value.data["missed"])


def test_gates_that_hold_are_counted() -> None:
    """The line says how many were held, so that none is forgotten silently."""
    bounds = {
        "evaluate.adapter.loss": GateSettings(must_beat="base"),
        "evaluate.nf4.loss": GateSettings(max=3.0, min=1.0),
    }

    assert 2 == gates(bounds, FACTS).held


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
