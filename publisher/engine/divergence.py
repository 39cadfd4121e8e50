"""What quantization costs: how far a model's predictions move from those of the one that it was made of."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from publisher.engine import generate
from publisher.engine.compare import mean_kl, measure
from publisher.engine.example import Example, beginning
from publisher.engine.generate import FALLBACK_PROMPT, Tensor
from publisher.engine.jobs import Asked, Divergence, Emit, JobResult
from publisher.engine.load import Model, load_model, stored_dtype
from publisher.engine.memory import fits_in_memory, free
from publisher.engine.reader import Reader, load_reader
from publisher.records.facts import Measurement
from publisher.weights.shards import read_shards

NEW_TOKENS = 24  # greedy tokens behind each prompt: their positions are compared too
UNITS = {"kl": "nats/token", "argmax_agreement": None, "max_logit_difference": None, "positions": "tokens"}


def run(job: Divergence, emit: Emit) -> JobResult:
    """Let both models read the same texts: each prompt, and what the full-precision model answers to it.

    Measures the mean Kullback-Leibler divergence of the quantized model's next-token distribution from the full one's,
    in nats per token; the share of positions with the same first choice; the largest difference of a logit.

    Where one of them does not fit in memory, both are read from their files layer by layer, in float32; then the prompts
    alone are read, since each token of an answer would take a pass over the files. That is known of NF4 alone: of weights
    that other programs packed the numbers are unknown then.

    Raises:
        HubpubError: HP-E03 from loading; HP-E05, a NaN.
    """
    prompts = job.prompts or (FALLBACK_PROMPT,)
    whole = fits_in_memory(job.full) and fits_in_memory(job.quantized)
    if not whole and job.kind != "nf4":
        return JobResult(tuple(_unknown(f"validate.{job.kind}", job.against)), {"streamed": False})
    expected, found = (_read_whole if whole else _read_streamed)(job, prompts, emit)
    measured = tuple(divergence(expected, found, f"validate.{job.kind}", job.against))
    return JobResult(measured, {"streamed": not whole})


def _read_whole(job: Divergence, prompts: Sequence[Asked], emit: Emit) -> tuple[list[Tensor], list[Tensor]]:
    """Logits of the full model and of the quantized one, computed in one type: what others packed keeps its own."""
    reader = load_reader(job.full)
    own = str(stored_dtype(job.full)).removeprefix("torch.")
    full = load_model(job.full, dtype="auto" if job.kind == "nf4" else own)
    texts = texts_of(full, reader, prompts, NEW_TOKENS)
    expected = [generate.read_logits(full, text) for text in texts]
    emit({"step": "full", "done": 1, "total": 2})
    del full
    free()
    quantized = load_model(job.quantized)
    found = [generate.read_logits(quantized, text) for text in texts]
    emit({"step": "quantized", "done": 2, "total": 2})
    return expected, found


def _read_streamed(
    job: Divergence, prompts: Sequence[Asked], emit: Emit
) -> tuple[list[Tensor], list[Tensor]]:
    """The same from the files, all prompts in one pass over each."""
    from publisher.engine.streamed import Packed, load_streamed, most_tokens, read_together

    reader = load_reader(job.full)
    with tempfile.TemporaryDirectory() as room:
        full = load_streamed(job.full, f"{room}/full")
        most = most_tokens(full, texts=len(prompts), models=2)
        texts = [beginning(reader.question(prompt).text, most) for prompt in prompts]
        expected = read_together(full, texts)
        emit({"step": "full", "done": 1, "total": 2})
        del full
        free()
        packed = Packed(read_shards(Path(job.quantized)))
        found = read_together(load_streamed(job.full, f"{room}/quantized", packed), texts)
        emit({"step": "quantized", "done": 2, "total": 2})
    return expected, found


def texts_of(model: Model, reader: Reader, prompts: Sequence[Asked], new_tokens: int) -> list[Example]:
    """What two models are compared on: each prompt, and what this model answers to it."""
    questions = [reader.question(prompt) for prompt in prompts]
    said = (generate.answer(model, reader.tokenizer, question, new_tokens) for question in questions)
    return [question.text.followed_by(each.token_ids) for question, each in zip(questions, said, strict=True)]


def divergence(
    expected: list[Tensor], found: list[Tensor], about: str, against: str
) -> Iterator[Measurement]:
    """How far the logits of each text are apart, as facts: `<about>.kl_to_<against>` and so on.

    Raises:
        HubpubError: HP-E05, a NaN.
    """
    difference = measure(expected, found)
    values = {
        "kl": mean_kl(expected, found),
        "argmax_agreement": difference.agreement,
        "max_logit_difference": difference.largest,
        "positions": difference.positions,
    }
    for name, unit in UNITS.items():
        yield Measurement(f"{about}.{name}_to_{against}", values[name], unit)


def _unknown(about: str, against: str) -> Iterator[Measurement]:
    for name, unit in UNITS.items():
        yield Measurement(f"{about}.{name}_to_{against}", None, unit, "unknown")
