"""The loss of a batch: cross entropy over the answers' tokens."""

from __future__ import annotations

from collections.abc import Mapping

from publisher.engine import chat
from publisher.engine.example import Model
from publisher.engine.pictures import Tensor


def summed_loss(
    model: Model, inputs: Mapping[str, Tensor], labels: Tensor, compute_dtype: str = "bfloat16"
) -> Tensor:
    """Cross entropy summed over the supervised tokens, in nats; a number with a gradient where the model has one.

    Args:
        model: any mode.
        inputs: as `example.batch` makes them.
        labels: (rows, tokens), `chat.IGNORED` where nothing is asked.
        compute_dtype: what a GPU computes in.
    """
    import torch

    cuda = model.device.type == "cuda"
    # A CPU gains nothing by autocast here, and the LoRA matrices keep their float32.
    with torch.autocast(model.device.type, dtype=getattr(torch, compute_dtype), enabled=cuda):
        logits = model(**inputs).logits[:, :-1]
    targets = labels[:, 1:]
    taught = targets != chat.IGNORED
    return torch.nn.functional.cross_entropy(logits[taught].float(), targets[taught], reduction="sum")
