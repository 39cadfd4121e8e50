"""Held-out loss while training, and the weights that had the lowest."""

from __future__ import annotations

import math
import shutil
from collections.abc import Sequence
from pathlib import Path

from publisher.engine.checkpoint import LogRow, trainable
from publisher.engine.example import Example, Model, batch
from publisher.engine.group import ALONE, Group
from publisher.engine.loss import summed_loss
from publisher.engine.output import written_aside
from publisher.errors import HubpubError


def held_out_loss(
    model: Model,
    examples: Sequence[Example],
    padding: int,
    rows: int,
    compute_dtype: str,
    group: Group = ALONE,
) -> float:
    """Mean loss over all answer tokens, in nats, `rows` examples at a time; the model is left in training mode.

    Of a group, each process looks at its share.

    Layers of 4 bits stay in it throughout: on a CPU bitsandbytes packs them anew for inference, with scales rounded,
    and the training would go on with other weights.

    Raises:
        HubpubError: HP-E07, the loss is not finite.
    """
    import torch

    model.eval()
    for module in model.modules():
        if type(module).__name__ == "Linear4bit":
            module.training = True
    total, tokens = 0.0, sum(example.supervised for example in examples)
    share = group.share(examples)
    # Processes that share the base meet in every forward, so all take as many as the first one, which has the most.
    for first in range(0, len(group.largest_share(examples)), rows):
        inputs, labels = batch(share[first : first + rows] or examples[:1], padding, model)
        with torch.no_grad():  # what is gathered in inference mode could not be trained with afterwards
            loss = float(summed_loss(model, inputs, labels, compute_dtype))
        total += loss if first < len(share) else 0.0
    total = group.total(total, str(model.device))
    model.train()
    if not math.isfinite(total):
        raise HubpubError(
            "HP-E07",
            "the held-out loss is not finite",
            hint="lower `learning_rate` or lengthen the warm-up, then run the same command again",
        )
    return total / tokens


def best_of(rows: Sequence[LogRow]) -> LogRow:
    """The row of the lowest held-out loss, the earliest of them."""
    return min(rows, key=lambda row: (row["eval_loss"], row["step"]))


def save_best(folder: Path, step: int, model: Model) -> None:
    """Keep the trained weights of a step; those of an earlier best stay until `forget_others` is called."""
    from safetensors.torch import save_file

    with written_aside(_of(folder, step)) as aside:
        weights = {name: weight.detach().cpu().contiguous() for name, weight in trainable(model)}
        save_file(weights, aside / "weights.safetensors")


def forget_others(folder: Path, step: int) -> None:
    """Remove what was kept of other steps than the best."""
    for other in folder.glob("best-*"):
        if other != _of(folder, step):
            shutil.rmtree(other)


def restore_best(folder: Path, step: int, model: Model) -> None:
    """Give the model the trained weights of its best step."""
    import torch
    from safetensors.torch import load_file

    weights = load_file(_of(folder, step) / "weights.safetensors")
    with torch.no_grad():
        for name, weight in trainable(model):
            weight.copy_(weights[name])


def _of(folder: Path, step: int) -> Path:
    return folder / f"best-{step:06d}"
