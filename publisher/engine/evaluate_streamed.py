"""Held-out loss of models that do not fit in memory: as many rows a pass over their files as the logits leave room for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from publisher.engine import streamed
from publisher.engine.chat import IGNORED
from publisher.engine.example import Example, batch
from publisher.engine.jobs import Evaluate
from publisher.engine.load import Model
from publisher.engine.memory import free
from publisher.engine.streamed import Packed, adapt_streamed, load_streamed
from publisher.weights.shards import read_shards


def models_streamed(job: Evaluate, room: str) -> Iterator[tuple[str, Model]]:
    """The models of an evaluation by name, their weights in their files; `room` is an empty folder."""
    model = load_streamed(job.base, f"{room}/base")
    yield "base", model
    if job.adapter is not None:
        model = adapt_streamed(model, job.adapter)
        yield "adapter", model
    del model
    free()
    if job.merged is not None:
        yield "merged", load_streamed(job.merged, f"{room}/merged")
    if job.nf4 is not None:
        packed = Packed(read_shards(Path(job.nf4)))
        yield "nf4", load_streamed(job.merged or job.base, f"{room}/nf4", packed)


def passes(model: Model, examples: Sequence[Example]) -> Iterator[list[int]]:
    """Positions of examples that are read in one pass, in order: as many as the logits of what is asked leave room for."""
    most = streamed.most_tokens(model, texts=1, models=1)
    chosen: list[int] = []
    asked = 0
    for row, example in enumerate(examples):
        if chosen and asked + example.supervised > most:
            yield chosen
            chosen, asked = [], 0
        chosen.append(row)
        asked += example.supervised
    if chosen:
        yield chosen


def read_losses(model: Model, examples: Sequence[Example], padding: int) -> list[tuple[float, int]]:
    """Summed cross entropy, in nats, and tokens of each example's answer, from one pass over the files.

    The head is given the positions before those tokens only: its logits would outgrow the model.
    """
    import torch
    from torch.nn.functional import cross_entropy

    inputs, labels = batch(examples, padding, model, device="cpu")
    rows, before = (labels[:, 1:] != IGNORED).nonzero(as_tuple=True)

    def select(_: Any, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
        return (arguments[0][rows, before][None], *arguments[1:])

    streamed.slice_ends(model)
    hook = model.get_output_embeddings().register_forward_pre_hook(select)
    try:
        with torch.inference_mode():
            logits = model(**inputs, use_cache=False).logits[0]
            nats = cross_entropy(logits.float(), labels[rows, before + 1], reduction="none").double()
    finally:
        hook.remove()
    return [(float(nats[rows == row].sum()), int((rows == row).sum())) for row in range(len(examples))]
