"""Checkpoints of a training: everything that the next step depends on, without a pickle.

`checkpoints/step-000004/`: `tensors.safetensors` (LoRA weights, AdamW moments, random state) and `state.json`.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from publisher.engine.load import Model
from publisher.engine.output import written_aside
from publisher.records.facts import Json

LogRow = dict[str, Json]


@dataclass(frozen=True)
class Progress:
    """How far a training is. `key` is the digest of all that decides its numbers; `held_out` has the held-out losses."""

    key: str
    step: int
    log: tuple[LogRow, ...]
    held_out: tuple[LogRow, ...] = ()


def save_checkpoint(folder: Path, progress: Progress, model: Model, optimizer: Any) -> None:
    """Write a checkpoint aside, give it its name, then remove older ones: there is a whole one at any moment."""
    import torch
    from safetensors.torch import save_file

    tensors = {"rng/cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        tensors["rng/cuda"] = torch.cuda.get_rng_state()
    for name, weight in trainable(model):
        tensors[f"weight/{name}"] = weight.detach().cpu().contiguous()
        for moment, value in optimizer.state[weight].items():
            tensors[f"{moment}/{name}"] = value.detach().cpu().contiguous()
    with written_aside(folder / f"step-{progress.step:06d}") as aside:
        save_file(tensors, aside / "tensors.safetensors")
        state = asdict(progress)
        (aside / "state.json").write_text(json.dumps(state), encoding="utf-8")
    for older in _checkpoints(folder)[:-1]:
        shutil.rmtree(older)


def find_progress(folder: Path) -> tuple[Path, Progress] | None:
    """The newest whole checkpoint, None where there is none."""
    found = _checkpoints(folder)
    if not found:
        return None
    state = json.loads((found[-1] / "state.json").read_text(encoding="utf-8"))
    return found[-1], Progress(
        state["key"], state["step"], tuple(state["log"]), tuple(state.get("held_out", ()))
    )


def restore(checkpoint: Path, model: Model, optimizer: Any) -> None:
    """Bring model, optimizer and random state to where they were."""
    import torch
    from safetensors.torch import load_file

    tensors = load_file(checkpoint / "tensors.safetensors")
    state = {}
    for index, (name, weight) in enumerate(trainable(model)):
        with torch.no_grad():
            weight.copy_(tensors[f"weight/{name}"])
        moments = ("step", "exp_avg", "exp_avg_sq")
        state[index] = {moment: tensors[f"{moment}/{name}"] for moment in moments}
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
    torch.set_rng_state(tensors["rng/cpu"])
    if "rng/cuda" in tensors and torch.cuda.is_available():
        torch.cuda.set_rng_state(tensors["rng/cuda"])


def trainable(model: Model) -> list[tuple[str, Any]]:
    """Names and parameters that are trained, in the model's own order (the optimizer's, too)."""
    return [(name, weight) for name, weight in model.named_parameters() if weight.requires_grad]


def _checkpoints(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("step-*") if path.suffix != ".tmp")
