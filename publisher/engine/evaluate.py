"""Held-out loss: every model of a release reads the same answers, and how surprised it is gets counted."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from publisher.engine.chat import IGNORED, encode, pad, pad_id
from publisher.engine.jobs import Emit, Evaluate, JobResult
from publisher.engine.load import Model, load_adapter, load_model, load_tokenizer
from publisher.engine.margin import CONFIDENCE, margin
from publisher.engine.memory import free
from publisher.engine.rows import Row, read_rows
from publisher.errors import HubpubError
from publisher.records.facts import Json, Measurement

BATCH = 4  # rows at a time; the vocabulary makes logits large, not the model

# What each model is held against, the first that is there: a quantized one against what it was made from.
RIVALS = {"adapter": ("base",), "merged": ("base",), "nf4": ("merged", "base")}

Example = tuple[list[int], list[int]]  # token ids and labels, of the same length


@dataclass(frozen=True)
class RowLoss:
    """One row's answer: its position in the evaluated rows, summed loss in nats, and its answer's tokens."""

    row: int
    loss: float
    tokens: int


def run(job: Evaluate, emit: Emit) -> JobResult:
    """Mean loss over all answer tokens, the end of the turn included, for each model that the job names.

    Models are loaded one after another in their own dtype and freed; the adapter is put, unmerged, on the base
    that was just read. The prompts' tokens are context only.

    Raises:
        HubpubError: HP-D01, no rows; HP-D02, columns missing; HP-E05, a loss is not finite; HP-B05, no chat template;
            what loading raises.
    """
    rows = spread(read_rows(job.data, "validation"), job.max_rows)
    tokenizer = load_tokenizer(job.base)
    examples = [encode(tokenizer, row.prompt, row.completion) for row in rows]
    padding = pad_id(tokenizer)

    losses: dict[str, list[RowLoss]] = {}
    for kind, model in _models(job):
        losses[kind] = measure_losses(kind, model, examples, padding, emit)
        del model  # before the next one is loaded

    tokens = sum(loss.tokens for loss in losses["base"])
    measured = [
        Measurement("evaluate.rows", len(rows), "rows"),
        Measurement("evaluate.tokens", tokens, "tokens"),
        Measurement("evaluate.confidence", CONFIDENCE),
    ]
    for kind, per_row in losses.items():
        mean = math.fsum(loss.loss for loss in per_row) / tokens
        measured.append(Measurement(f"evaluate.{kind}.loss", mean, "nats/token"))
        measured.append(Measurement(f"evaluate.{kind}.perplexity", math.exp(mean)))
        measured += _intervals(kind, losses)
    details: dict[str, Json] = {
        "row_tokens": [loss.tokens for loss in losses["base"]],
        "row_losses": {kind: [loss.loss for loss in per_row] for kind, per_row in losses.items()},
    }
    return JobResult(tuple(measured), details)


def _intervals(kind: str, losses: Mapping[str, Sequence[RowLoss]]) -> Iterator[Measurement]:
    """How sure a mean is, and how much it differs from its rival's, row by row; the same rows make that much surer."""
    tokens = [row.tokens for row in losses[kind]]
    mine = [row.loss for row in losses[kind]]
    yield _margin(f"evaluate.{kind}.loss_margin", mine, tokens)
    rival = next((other for other in RIVALS.get(kind, ()) if other in losses), None)
    if rival is not None:
        change = [ours - theirs.loss for ours, theirs in zip(mine, losses[rival], strict=True)]
        yield Measurement(f"evaluate.{kind}.against", rival)
        yield Measurement(f"evaluate.{kind}.loss_change", math.fsum(change) / sum(tokens), "nats/token")
        yield _margin(f"evaluate.{kind}.loss_change_margin", change, tokens)


def _margin(fact_id: str, losses: Sequence[float], tokens: Sequence[int]) -> Measurement:
    found = margin(losses, tokens)
    return Measurement(fact_id, found, "nats/token", "unknown" if found is None else "known")


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
    order = sorted(range(len(examples)), key=lambda row: len(examples[row][0]))
    losses: list[RowLoss] = []
    for start in range(0, len(order), BATCH):
        chosen = order[start : start + BATCH]
        batch = pad([examples[row] for row in chosen], padding)
        with torch.inference_mode():
            logits = model(
                input_ids=torch.tensor(batch.input_ids, device=model.device),
                attention_mask=torch.tensor(batch.attention_mask, device=model.device),
                use_cache=False,
            ).logits
            for position, row in enumerate(chosen):
                # The logits at one token foretell the next, so labels are read one further on.
                labels = torch.tensor(batch.labels[position], device=logits.device)[1:]
                asked = labels != IGNORED
                loss = cross_entropy(
                    logits[position, :-1][asked].float(), labels[asked], reduction="sum"
                ).item()
                losses.append(RowLoss(row, loss, int(asked.sum())))
        if not all(math.isfinite(loss.loss) for loss in losses):
            raise HubpubError(
                "HP-E05",
                f"the {kind} model's loss on the held-out rows is not finite",
                hint="look for NaN in its weights: hubpub validate",
                kind=kind,
            )
        emit({"step": "evaluate", "kind": kind, "done": len(losses), "total": len(order)})
    return sorted(losses, key=lambda loss: loss.row)


def spread(rows: Sequence[Row], most: int) -> list[Row]:
    """At most so many rows, evenly over all: neighbours often show the same scene."""
    if len(rows) <= most:
        return list(rows)
    return [rows[index * len(rows) // most] for index in range(most)]


def _models(job: Evaluate) -> Iterator[tuple[str, Model]]:
    model = load_model(job.base)
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
