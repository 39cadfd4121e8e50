"""Held-out loss and answers: every model of a release reads the same rows, is asked the same questions, and is counted."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from publisher.engine.answers import answer_all, question_of
from publisher.engine.arithmetic import computed_in
from publisher.engine.chat import IGNORED
from publisher.engine.evaluate_packed import Unmeasured, all_too_large, packed_models
from publisher.engine.example import Example, batch
from publisher.engine.jobs import Emit, Evaluate, JobResult
from publisher.engine.load import Model, load_adapter, load_model
from publisher.engine.memory import fits_in_memory, free
from publisher.engine.reader import Reader, load_reader
from publisher.engine.rows import evenly, read_rows
from publisher.errors import HubpubError
from publisher.records.facts import Json, Measurement
from publisher.records.metrics import GGUF, perplexity

BATCH = 4  # rows at a time; the vocabulary makes logits large, not the model
SPLIT = "validation"


@dataclass(frozen=True)
class RowLoss:
    """One row's answer: its position in the evaluated rows, summed loss in nats, and its answer's tokens."""

    row: int
    loss: float
    tokens: int


def run(job: Evaluate, emit: Emit) -> JobResult:
    """Measure each model that the job names, on the same rows.

    Loss is the mean over all answer tokens, the end of the turn included; the prompts' tokens are context only. Of
    general text it is the mean over all tokens but each line's first. Answers are greedy.

    Models are loaded one after another in their own dtype (or the one that `load_model` finds quicker) and freed; the adapter is put, unmerged, on the base
    that was just read. Where one of them does not fit in memory, all are read from their files layer by layer, in float32,
    and asked nothing: each token of an answer would take a pass over the files. What other programs packed is not read
    that way, so its numbers are unknown then. GGUF files are read unpacked and asked nothing: their users' program is
    another one, and each file would take as long as the merged model's answers.

    Returns:
        Means as measurements. In the details, by model: `row_losses` (nats, summed over a row's tokens) with `row_tokens`,
        `general_losses` with `general_tokens`, and `answers`, texts in the order of `answer_rows`.

    Raises:
        HubpubError: HP-D01, no rows; HP-D02, columns missing; HP-E05, a loss is not finite; HP-B05, no chat template;
            what loading raises.
    """
    rows = read_rows(job.data, SPLIT)
    reader = load_reader(job.base)
    held_out = [reader.encode(rows[number]) for number in evenly(len(rows), job.max_rows)]
    general = [text for line in job.general if (text := plain(reader, line)).supervised]
    whole = all(fits_in_memory(folder) for folder in (job.base, job.merged, job.nf4) if folder)
    questions = [question_of(reader.encode(rows[number])) for number in job.answer_rows if whole]

    measured: list[Measurement] = []
    details: dict[str, dict[str, Json]] = {"row_losses": {}, "general_losses": {}, "answers": {}}
    counts: dict[str, list[int]] = {}
    pictures = any(example.pictures is not None for example in held_out)
    for kind, model in _models(job, pictures=pictures) if whole else _models_streamed(job):
        if isinstance(model, Unmeasured):
            measured += model.facts(kind)
            emit({"step": "evaluate", "kind": kind, "unmeasured": model.why})
            continue
        measured.append(Measurement(f"evaluate.{kind}.compute_dtype", computed_in(model)))
        for texts, about, name in ((held_out, "", "row"), (general, ".general", "general")):
            if texts:
                measure = measure_losses if whole else _measure_streamed
                losses = measure(kind, model, texts, reader.padding, emit)
                measured += _means(f"evaluate.{kind}{about}", losses)
                details[f"{name}_losses"][kind] = [loss.loss for loss in losses]
                counts[f"{name}_tokens"] = [loss.tokens for loss in losses]
        if questions and not kind.startswith(GGUF):
            said = answer_all(model, reader, questions, job.max_new_tokens, emit)
            details["answers"][kind] = [answer.text for answer in said]
            cut_off = sum(not answer.stopped for answer in said)
            measured.append(Measurement(f"evaluate.{kind}.cut_off", cut_off / len(said)))
        del model  # before the next one is loaded
    extent = _extent(job, counts, answers=len(questions))
    return JobResult((*extent, *measured), {**details, **counts, "streamed": not whole})


def _extent(job: Evaluate, counts: Mapping[str, Sequence[int]], *, answers: int) -> Iterator[Measurement]:
    """On how much the numbers rest."""
    yield Measurement("evaluate.rows", len(counts["row_tokens"]), "rows")
    yield Measurement("evaluate.tokens", sum(counts["row_tokens"]), "tokens")
    if "general_tokens" in counts:
        yield Measurement("evaluate.general.lines", len(counts["general_tokens"]), "lines")
        yield Measurement("evaluate.general.tokens", sum(counts["general_tokens"]), "tokens")
    if job.answer_rows:
        yield Measurement("evaluate.answers", answers or None, "answers", "known" if answers else "unknown")
        yield Measurement("evaluate.max_new_tokens", job.max_new_tokens, "tokens")


def _means(prefix: str, losses: Sequence[RowLoss]) -> Iterator[Measurement]:
    mean = math.fsum(loss.loss for loss in losses) / sum(loss.tokens for loss in losses)
    yield Measurement(f"{prefix}.loss", mean, "nats/token")
    yield Measurement(f"{prefix}.perplexity", perplexity(mean))


def plain(reader: Reader, line: str) -> Example:
    """A line of running text, as the tokenizer reads it by itself; every token but the first is foretold."""
    ids = list(reader.tokenizer(line)["input_ids"])
    return Example(ids, [IGNORED, *ids[1:]])


def measure_losses(
    kind: str, model: Model, examples: Sequence[Example], padding: int, emit: Emit
) -> list[RowLoss]:
    """Summed cross entropy of each example's answer, in the examples' order.

    Args:
        kind: names the model in events and errors.
        model: in evaluation mode.
        examples: with at least one label each.
        padding: a token id; it is masked.
        emit: told after each batch.

    Raises:
        HubpubError: HP-E05, a loss is not finite.
    """
    import torch
    from torch.nn.functional import cross_entropy

    # Rows of like length together: less padding to compute.
    order = sorted(range(len(examples)), key=lambda row: len(examples[row].input_ids))
    losses: list[RowLoss] = []
    for start in range(0, len(order), BATCH):
        chosen = order[start : start + BATCH]
        inputs, labels = batch([examples[row] for row in chosen], padding, model)
        with torch.inference_mode():
            logits = model(**inputs, use_cache=False).logits
            for position, row in enumerate(chosen):
                # The logits at one token foretell the next, so labels are read one further on.
                foretold = labels[position, 1:].to(logits.device)
                asked = foretold != IGNORED
                loss = cross_entropy(
                    logits[position, :-1][asked].float(), foretold[asked], reduction="sum"
                ).item()
                losses.append(RowLoss(row, loss, int(asked.sum())))
        _told(kind, losses, len(order), emit)
    return sorted(losses, key=lambda loss: loss.row)


def _measure_streamed(
    kind: str, model: Model, examples: Sequence[Example], padding: int, emit: Emit
) -> list[RowLoss]:
    """The same of a model whose weights are in its files."""
    from publisher.engine.evaluate_streamed import passes, read_losses

    losses: list[RowLoss] = []
    for chosen in passes(model, examples):
        found = read_losses(model, [examples[row] for row in chosen], padding)
        losses += [RowLoss(row, nats, tokens) for row, (nats, tokens) in zip(chosen, found, strict=True)]
        _told(kind, losses, len(examples), emit)
    return losses


def _told(kind: str, losses: Sequence[RowLoss], of: int, emit: Emit) -> None:
    if not all(math.isfinite(loss.loss) for loss in losses):
        raise HubpubError(
            "HP-E05",
            f"the {kind} model's loss on the held-out rows is not finite",
            hint="look for NaN in its weights: hubpub validate",
            kind=kind,
        )
    emit({"step": "evaluate", "kind": kind, "done": len(losses), "total": of})


def _models_streamed(job: Evaluate) -> Iterator[tuple[str, Model | Unmeasured]]:
    from publisher.engine.evaluate_streamed import models_streamed

    with tempfile.TemporaryDirectory() as room:
        yield from models_streamed(job, room)
    yield from all_too_large(job)


def _models(job: Evaluate, *, pictures: bool) -> Iterator[tuple[str, Model | Unmeasured]]:
    model = load_model(job.base)
    dtype = model.dtype
    yield "base", model
    if job.adapter is not None:
        model = load_adapter(model, job.adapter)
        yield "adapter", model
    for kind, folder in (("merged", job.merged), ("nf4", job.nf4)):
        if folder is not None:
            del model
            free()
            model = load_model(folder)
            yield kind, model
    del model
    free()
    yield from packed_models(job, dtype, pictures=pictures)
