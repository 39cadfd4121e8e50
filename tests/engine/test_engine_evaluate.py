"""The losses on a card are computed here: each must be the model's own, whatever the batch it was read in."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from publisher.engine import evaluate, likelihood
from publisher.engine.chat import IGNORED
from publisher.engine.example import Example
from publisher.engine.jobs import Evaluate, Likelihood
from publisher.engine.load import load_model
from publisher.engine.reader import load_reader
from publisher.engine.rows import Row, read_rows
from publisher.errors import HubpubError

pytestmark = pytest.mark.models


def write(folder: Path, rows: list[dict[str, object]], split: str = "validation") -> Path:
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder.mkdir(exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows), folder / f"{split}-00000-of-00001.parquet")
    return folder


def test_every_model_named_is_measured_on_the_same_tokens(
    tiny_base: Path, tiny_adapter: Path, tiny_merged: Path, tiny_data: Path
) -> None:
    """The card's table compares them, so they must have read the same."""
    events: list[dict[str, Any]] = []
    job = Evaluate(str(tiny_data), str(tiny_base), str(tiny_adapter), str(tiny_merged))
    result = evaluate.run(job, events.append)
    measured = {m.id: m.value for m in result.measured}

    assert {
        "evaluate.rows",
        "evaluate.tokens",
        *(
            f"evaluate.{kind}.{what}"
            for kind in ("base", "adapter", "merged")
            for what in ("loss", "perplexity", "compute_dtype")
        ),
    } == set(measured)
    assert (4, 8) == (measured["evaluate.rows"], measured["evaluate.tokens"])
    assert measured["evaluate.adapter.loss"] == pytest.approx(measured["evaluate.merged.loss"], abs=0.05)
    assert measured["evaluate.adapter.loss"] != measured["evaluate.base.loss"]
    assert ["base", "adapter", "merged"] == [event["kind"] for event in events]


def test_the_mean_is_over_tokens_and_perplexity_is_its_exponential(tiny_base: Path, tiny_data: Path) -> None:
    """Per-row means of unequal rows would be another number under the same name."""
    result = evaluate.run(Evaluate(str(tiny_data), str(tiny_base)), lambda event: None)
    measured = {m.id: m.value for m in result.measured}
    mean = math.fsum(result.details["row_losses"]["base"]) / sum(result.details["row_tokens"])

    assert (mean, math.exp(mean)) == (measured["evaluate.base.loss"], measured["evaluate.base.perplexity"])


def test_a_rows_loss_is_what_torch_says_of_it_alone_though_it_was_read_padded(tiny_base: Path) -> None:
    """A mask or a shift gone wrong moves the loss by little, and for good."""
    import torch

    model, reader = load_model(tiny_base, dtype="float32"), load_reader(tiny_base)
    pairs = [("1+2=?", "3"), ("a much longer question than the others", "yes"), ("how many?", "one of them")]
    examples = [reader.encode(Row.of(*pair)) for pair in pairs]
    losses = evaluate.measure_losses("base", model, examples, 0, lambda event: None)

    alone = []
    for example in examples:
        ids, labels = torch.tensor([example.input_ids]), torch.tensor([example.labels])
        with torch.inference_mode():
            alone.append(model(input_ids=ids, labels=labels).loss.item() * example.supervised)

    assert alone == pytest.approx([loss.loss for loss in losses], rel=1e-4)
    assert [0, 1, 2] == [loss.row for loss in losses]


def test_general_text_is_read_line_by_line_without_a_chat_around_it(tiny_base: Path, tiny_data: Path) -> None:
    """What a model unlearns shows in text that has nothing to do with its task; a line of one token foretells none."""
    lines = ("1+2=3", "yes, one of them", "3")
    result = evaluate.run(Evaluate(str(tiny_data), str(tiny_base), general=lines), lambda event: None)
    measured = {m.id: m.value for m in result.measured}
    tokenizer = load_reader(tiny_base).tokenizer
    foretold = [len(tokenizer(line)["input_ids"]) - 1 for line in lines]

    assert [count for count in foretold if count] == result.details["general_tokens"]
    assert sum(foretold) == measured["evaluate.general.tokens"]
    mean = math.fsum(result.details["general_losses"]["base"]) / sum(foretold)
    assert mean == measured["evaluate.base.general.loss"] != measured["evaluate.base.loss"]


def test_answers_are_those_that_each_model_gives_alone(
    tiny_base: Path, tiny_adapter: Path, tiny_data: Path
) -> None:
    """Padding on the wrong side, or a mask that is off, would ask for the continuation of something else."""
    from publisher.engine.answers import answer_all, question_of

    rows = read_rows(tiny_data, "validation")
    job = Evaluate(str(tiny_data), str(tiny_base), str(tiny_adapter), answer_rows=(0, 2, 3), max_new_tokens=6)
    result = evaluate.run(job, lambda event: None)
    model, reader = load_model(tiny_base), load_reader(tiny_base)
    alone = [
        answer_all(model, reader, [question_of(reader.encode(rows[row]))], 6, lambda event: None)[0]
        for row in (0, 2, 3)
    ]

    assert [answer.text for answer in alone] == result.details["answers"]["base"]
    assert result.details["answers"]["base"] != result.details["answers"]["adapter"]
    measured = {m.id: m.value for m in result.measured}
    assert (3, 6) == (measured["evaluate.answers"], measured["evaluate.max_new_tokens"])
    assert sum(not answer.stopped for answer in alone) / 3 == measured["evaluate.base.cut_off"]


def test_a_question_is_the_row_without_its_answer(tiny_base: Path) -> None:
    """An answer that leaks into its own question is copied, and every number about it is worth nothing."""
    from publisher.engine.answers import question_of
    from publisher.engine.chat import encode_prompt

    reader = load_reader(tiny_base)
    question = question_of(reader.encode(Row.of("1+2=?", "3")))

    assert encode_prompt(reader.tokenizer, "1+2=?") == question.input_ids
    assert {IGNORED} == set(question.labels)


def test_the_likelihood_of_the_references_is_minus_their_loss(tiny_base: Path, tiny_data: Path) -> None:
    """Two ways to the same number: the second reads texts from anywhere, each once."""
    rows = read_rows(tiny_data, "validation")
    losses = evaluate.run(Evaluate(str(tiny_data), str(tiny_base)), lambda event: None).details
    texts = {
        "references": tuple(row.completion for row in rows),
        "base": (rows[0].completion, "", "", ""),
    }
    found = likelihood.run(
        Likelihood(str(tiny_base), str(tiny_data), (0, 1, 2, 3), texts), lambda event: None
    ).details

    assert losses["row_tokens"] == found["references"]["tokens"]
    assert losses["row_losses"]["base"] == pytest.approx(
        [-nats for nats in found["references"]["nats"]], rel=1e-2
    )
    assert found["references"]["nats"][0] == found["base"]["nats"][0]
    assert 1 == found["base"]["tokens"][1]  # an empty answer is the end of the turn alone


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        ([], "HP-D01"),
        ([{"prompt": "1+1=?", "answer": "2"}], "HP-D02"),
        ([{"prompt": "1+1=?", "completion": 2}], "HP-D02"),
    ],
    ids=["no file", "no completion", "a number"],
)
def test_data_that_cannot_be_evaluated_is_refused(
    tiny_base: Path, tmp_path: Path, rows: list[dict[str, object]], code: str
) -> None:
    """No rows would make a loss of nothing, zero by zero."""
    folder = write(tmp_path / "data", rows) if rows else tmp_path
    with pytest.raises(HubpubError) as caught:
        evaluate.run(Evaluate(str(folder), str(tiny_base)), lambda event: None)

    assert code == caught.value.code


def test_a_loss_that_is_not_finite_is_an_error_that_names_the_model(tiny_base: Path) -> None:
    """NaN on a card would be the last thing that anybody reads of it."""
    model = load_model(tiny_base)
    model.model.norm.weight.data.fill_(float("nan"))
    with pytest.raises(HubpubError, match="merged") as caught:
        evaluate.measure_losses("merged", model, [Example([1, 2, 3], [IGNORED, 2, 3])], 0, lambda event: None)

    assert "HP-E05" == caught.value.code
