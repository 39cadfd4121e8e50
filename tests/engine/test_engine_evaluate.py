"""The losses on a card are computed here: each must be the model's own, whatever the batch it was read in."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from publisher.engine import evaluate
from publisher.engine.chat import IGNORED, encode
from publisher.engine.jobs import Evaluate
from publisher.engine.load import load_model, load_tokenizer
from publisher.engine.rows import Row
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
        "evaluate.confidence",
        *(
            f"evaluate.{kind}.{what}"
            for kind in ("base", "adapter", "merged")
            for what in ("loss", "perplexity", "loss_margin")
        ),
        *(
            f"evaluate.{kind}.{what}"
            for kind in ("adapter", "merged")
            for what in ("against", "loss_change", "loss_change_margin")
        ),
    } == set(measured)
    change = measured["evaluate.merged.loss"] - measured["evaluate.base.loss"]
    assert change == pytest.approx(measured["evaluate.merged.loss_change"])
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

    model, tokenizer = load_model(tiny_base, dtype="float32"), load_tokenizer(tiny_base)
    pairs = [("1+2=?", "3"), ("a much longer question than the others", "yes"), ("how many?", "one of them")]
    examples = [encode(tokenizer, *pair) for pair in pairs]
    losses = evaluate.measure_losses("base", model, examples, 0, lambda event: None)

    alone = []
    for input_ids, labels in examples:
        with torch.inference_mode():
            mean = model(input_ids=torch.tensor([input_ids]), labels=torch.tensor([labels])).loss.item()
        alone.append(mean * sum(label != IGNORED for label in labels))

    assert alone == pytest.approx([loss.loss for loss in losses], rel=1e-4)
    assert [0, 1, 2] == [loss.row for loss in losses]


def test_at_most_so_many_rows_are_taken_evenly_over_all() -> None:
    """The first rows of a file show the first scenes only."""
    rows = [Row(str(n), "") for n in range(10)]

    assert ["0", "3", "6"] == [row.prompt for row in evaluate.spread(rows, 3)]
    assert rows == evaluate.spread(rows, 10)


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
        evaluate.measure_losses("merged", model, [([1, 2, 3], [IGNORED, 2, 3])], 0, lambda event: None)

    assert "HP-E05" == caught.value.code
