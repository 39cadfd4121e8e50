"""Ids of an evaluation's facts: which model and which metric they name."""

from __future__ import annotations

from publisher.records.metrics import gguf_kinds, metric_of, parts_of


def test_a_gguf_file_is_a_kind_by_itself() -> None:
    """Its id has one part more than that of a folder."""
    ids = ("evaluate.gguf.q8_0.general.loss", "evaluate.merged.general.loss", "evaluate.gguf.bf16.loss")
    found = [metric_of(fact_id) for fact_id in ids]

    assert [("gguf.q8_0", "general.loss"), ("merged", "general.loss"), ("gguf.bf16", "loss")] == [
        (of[0], of[1].id) for of in found if of
    ]
    assert ("gguf.q8_0", "gguf.bf16") == gguf_kinds(ids)


def test_how_sure_a_number_is_and_what_speaks_of_all_models_are_no_metrics() -> None:
    """A headline or a gate would take them for one."""
    assert [None] * 3 == [metric_of(f"evaluate.{rest}") for rest in ("rows", "gguf.q8_0.loss_low", "test")]
    assert ("gguf.q8_0", "loss_low") == parts_of("evaluate.gguf.q8_0.loss_low")
    assert ("", "") == parts_of("evaluate.rows")
