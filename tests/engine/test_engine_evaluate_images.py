"""Questions with pictures: losses and answers must be those of a model that saw them."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from parquet_rows import write_rows

from publisher.engine.jobs import Evaluate, Likelihood

pytestmark = pytest.mark.models
pytest.importorskip("torch")

from publisher.engine import evaluate, likelihood  # noqa: E402
from publisher.engine.evaluate_packed import TEXT_ONLY  # noqa: E402
from publisher.engine.example import batch  # noqa: E402
from publisher.engine.load import load_model  # noqa: E402
from publisher.engine.reader import load_reader  # noqa: E402

NEW_TOKENS = 5


def quiet(event: object) -> None:
    """No one listens."""


def png(colour: str) -> bytes:
    from PIL import Image

    file = io.BytesIO()
    Image.new("RGB", (60, 40), colour).save(file, "PNG")
    return file.getvalue()


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same question and answer to two pictures, and a question without any."""
    folder = tmp_path_factory.mktemp("pictures")
    rows = [
        {"prompt": "Which?", "completion": "red", "images": [{"bytes": png(colour), "path": "a.png"}]}
        for colour in ("red", "blue")
    ]
    rows.append({"prompt": "Which colour is it?", "completion": "red", "images": []})
    write_rows(rows, folder / "validation-00000-of-00001.parquet")
    return folder


def test_a_model_that_sees_is_evaluated_on_what_it_sees(gemma: Path, pictures: Path) -> None:
    """Other pictures give other losses; each answer is what the model says to that question and picture alone."""
    import torch

    job = Evaluate(str(pictures), str(gemma), answer_rows=(1, 2), max_new_tokens=NEW_TOKENS)
    details = evaluate.run(job, quiet).details
    red, blue, _ = details["row_losses"]["base"]

    model, reader = load_model(gemma), load_reader(gemma)
    alone = []
    for example in (reader.ask("Which?", (png("blue"),)), reader.ask("Which colour is it?")):
        with torch.inference_mode():
            output = model.generate(
                **batch([example], reader.padding, model).inputs, max_new_tokens=NEW_TOKENS, do_sample=False
            )
        said = output[0, len(example.input_ids) :]
        alone.append(reader.tokenizer.decode(said, skip_special_tokens=True).strip())

    assert red != blue
    assert alone == details["answers"]["base"]


def test_the_likelihood_of_an_answer_is_that_of_one_who_sees_the_picture(gemma: Path, pictures: Path) -> None:
    """The same words to another picture are another answer."""
    losses = evaluate.run(Evaluate(str(pictures), str(gemma)), quiet).details["row_losses"]["base"]
    texts = {"references": ("red", "red")}
    found = likelihood.run(Likelihood(str(gemma), str(pictures), (0, 1), texts), quiet).details

    assert losses[:2] == pytest.approx([-nats for nats in found["references"]["nats"]], rel=1e-2)


def test_gguf_files_are_not_read_where_the_rows_show_pictures(
    gemma: Path, pictures: Path, tmp_path: Path
) -> None:
    """They hold the part for text; numbers on other rows would stand beside those of another test."""
    (tmp_path / "tiny-Q8_0.gguf").touch()
    measured = evaluate.run(Evaluate(str(pictures), str(gemma), gguf=str(tmp_path)), quiet).measured
    found = {m.id.removeprefix("evaluate.gguf.q8_0."): (m.value, m.status) for m in measured}

    assert (TEXT_ONLY, "known") == found["unmeasured"]
    assert [(None, "unknown")] * 2 == [found["loss"], found["perplexity"]]
