"""Gates hold the manifest's bounds against facts, all of them at once."""

from __future__ import annotations

import pytest

from publisher.errors import HubpubError
from publisher.manifest.evaluation import GateSettings
from publisher.pipeline.services import LastVersion, Wishes
from publisher.pipeline.stages import STAGES
from publisher.pipeline.steps.gates import gates
from publisher.records.answers import by_question, kept_answer
from publisher.records.facts import Fact, Facts, StatedSource
from publisher.records.runs import Evaluation

FACTS = Facts(
    Fact(fact_id, value, None, "known" if value is not None else "unknown", "evaluate", StatedSource("test"))
    for fact_id, value in {
        "evaluate.base.loss": 2.0,
        "evaluate.adapter.loss": 1.5,
        "evaluate.nf4.loss": 2.5,
        "evaluate.merged.loss": None,
        "evaluate.gguf.q8_0.loss": 2.25,
    }.items()
)

LAST = LastVersion("1.0.0", numbers={"evaluate.adapter.loss": 1.25, "evaluate.nf4.loss": 2.75})


def _missed(**bounds: GateSettings) -> list[str]:
    with pytest.raises(HubpubError) as caught:
        gates({name.replace("_", "."): gate for name, gate in bounds.items()}, FACTS, LAST, Wishes())
    assert "HP-E09" == caught.value.code
    return list(caught.value.data["missed"])


def test_gates_that_hold_are_counted() -> None:
    """The line says how many were held, so that none is forgotten silently."""
    bounds = {
        "evaluate.adapter.loss": GateSettings(must_beat="base"),
        "evaluate.nf4.loss": GateSettings(max=3.0, min=1.0),
    }

    assert 2 == gates(bounds, FACTS, LAST, Wishes()).held


def test_a_stand_in_is_judged_by_no_gate() -> None:
    """Its numbers are refused: neither held nor missed, and counted apart from those that held."""
    source = StatedSource("test")
    refused = Fact("evaluate.merged.loss", None, "nats/token", "refused", "evaluate", source, stand_in=True)
    known = Fact("validate.merged.positions", 40, "tokens", "known", "validate", source, stand_in=True)
    bounds = {refused.id: GateSettings(must_beat="base"), known.id: GateSettings(min=1)}
    gated = gates(bounds, Facts([refused, known]), LAST, Wishes())

    assert (1, 1) == (gated.held, gated.refused)


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


def test_a_gguf_file_is_held_against_the_base_as_any_model_is() -> None:
    """Its id has one part more, and the base's has none of it."""
    bounds = {"evaluate.gguf.q8_0.loss": GateSettings(must_beat="base", max=9.0)}
    with pytest.raises(HubpubError, match=r"q8_0\.loss is 2\.25 and does not beat the base's 2\.0"):
        gates(bounds, FACTS, LAST, Wishes())


def test_a_version_may_not_be_worse_than_the_last_one_by_more_than_is_allowed() -> None:
    """A bound on the number itself lets a slow decline pass, version by version."""
    rises = _missed(evaluate_adapter_loss=GateSettings(max_rise=0.125))
    falls = _missed(evaluate_nf4_loss=GateSettings(max_fall=0.125))

    assert ["evaluate.adapter.loss is 1.5, in 1.0.0 it was 1.25: at most 0.125 more is allowed"] == rises
    assert ["evaluate.nf4.loss is 2.5, in 1.0.0 it was 2.75: at most 0.125 less is allowed"] == falls


def test_the_first_version_and_a_small_step_are_held() -> None:
    """There is nothing to fall behind yet; and a step within the bound is one."""
    bounds = {"evaluate.adapter.loss": GateSettings(max_rise=0.25, max_fall=0.0)}

    assert (
        1
        == gates(bounds, FACTS, LastVersion(None), Wishes()).held
        == gates(bounds, FACTS, LAST, Wishes()).held
    )


def test_a_gate_bounds_how_many_test_prompts_may_be_answered_otherwise_than_last_time() -> None:
    """The prompt is named; without a last version there is nothing that could have changed."""
    name = "validate.merged.answers"
    asked = {"max_new_tokens": 8}
    now = [kept_answer("1+1=?", asked, "2"), kept_answer("2+2=?", asked, "5")]
    last = LastVersion("1.0.0", answers={name: by_question([kept_answer("2+2=?", asked, "4")])})
    facts = Facts([Fact(name, now, None, "known", "validate", StatedSource("test"))])
    bound = {name: GateSettings(max_changed=0)}

    with pytest.raises(HubpubError) as caught:
        gates(bound, facts, last, Wishes())

    told = "1 of 1 prompts have another answer than in 1.0.0, at most 0 may: '2+2=?'"
    assert [f"{name}: {told}"] == caught.value.data["missed"]
    assert 1 == gates(bound, facts, LastVersion(None), Wishes()).held
    assert 1 == gates({name: GateSettings(max_changed=1)}, facts, last, Wishes()).held


def _evaluated(loss: float, base: float = 2.0) -> Facts:
    values = {
        "evaluate.base.loss": base,
        "evaluate.adapter.loss": loss,
        "evaluate.adapter.beats_base": loss < base,
    }
    return Facts(
        Fact(name, value, None, "known", "evaluate", StatedSource("t")) for name, value in values.items()
    )


def test_a_tuned_model_that_does_not_beat_its_base_is_stopped_though_no_gate_was_set() -> None:
    """Whoever measures must not publish against the measurement without saying so."""
    with pytest.raises(HubpubError, match="not better than the base") as caught:
        gates({}, _evaluated(2.0), LAST, Wishes())

    assert "HP-E09" == caught.value.code
    assert ["adapter has a loss of 2.0000 nats/token, the base 2.0000"] == caught.value.data["missed"]
    assert "--allow-worse" in caught.value.hint
    assert () == gates({}, _evaluated(1.9), LAST, Wishes()).worse


def test_it_is_let_through_knowingly_and_the_line_of_the_stage_says_so() -> None:
    """Its card says so as well, from the same fact."""
    gated = gates({}, _evaluated(2.5), LAST, Wishes(allow_worse=True))
    line = next(stage for stage in STAGES if stage.name == "gates").headline(gated)

    assert "0 held, let through though not better than the base: adapter" == line


def test_what_was_released_knowingly_is_not_asked_again_while_it_is_the_same() -> None:
    """A second run of a finished release does nothing; another model, or another base, is asked anew."""
    last = LastVersion("1.0.0", numbers={"evaluate.adapter.loss": 2.5, "evaluate.base.loss": 2.0})

    assert () == gates({}, _evaluated(2.5), last, Wishes()).worse
    for facts in (_evaluated(2.6), _evaluated(2.5, base=1.5)):
        with pytest.raises(HubpubError, match="not better"):
            gates({}, facts, last, Wishes())


def test_leave_to_be_worse_than_the_base_is_no_leave_to_miss_a_gate() -> None:
    """The flag speaks of one thing."""
    with pytest.raises(HubpubError) as caught:
        gates(
            {"evaluate.adapter.loss": GateSettings(max=1.0)}, _evaluated(2.5), LAST, Wishes(allow_worse=True)
        )

    assert ["evaluate.adapter.loss is 2.5, at most 1 is allowed"] == caught.value.data["missed"]


@pytest.mark.parametrize(("value", "held"), [(0.6, True), (0.5, False), (0.4, False)])
def test_to_beat_the_base_is_to_be_higher_where_higher_is_better(value: float, held: bool) -> None:
    """A gate that asked for less accuracy than the base has would let the worst model through."""
    name = "evaluate.adapter.spatial.accuracy"
    facts = Facts(
        Fact(fact_id, number, None, "known", "evaluate", StatedSource("t"))
        for fact_id, number in ((name, value), ("evaluate.base.spatial.accuracy", 0.5))
    )
    bounds = {name: GateSettings(must_beat="base")}
    if held:
        assert 1 == gates(bounds, facts, LAST, Wishes()).held
    else:
        with pytest.raises(HubpubError, match="does not beat the base"):
            gates(bounds, facts, LAST, Wishes())


def test_the_line_of_evaluate_tells_held_out_losses_and_not_those_of_general_text() -> None:
    """One number a model: with two of each, nobody knows which is which."""
    values = {"evaluate.base.loss": 2.0, "evaluate.base.general.loss": 3.0, "evaluate.adapter.loss": 1.5}
    facts = [
        Fact(name, value, None, "known", "evaluate", StatedSource("t")) for name, value in values.items()
    ]
    line = next(stage for stage in STAGES if stage.name == "evaluate").headline(Evaluation(tuple(facts)))

    assert "base 2.000, adapter 1.500 nats/token" == line
