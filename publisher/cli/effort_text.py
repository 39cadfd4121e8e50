"""What a release would take of memory and time, as `hubpub doctor` says it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from publisher.cli.pace import duration_text

if TYPE_CHECKING:
    from publisher.pipeline.effort import Effort, TrainingTime

NOTES = {
    "merge": "whatever the model's size",
    "quantize": "whatever the model's size",
    "validate": "to hold the model; with less its weights stay in their files: slower, and no prompt is answered",
    "evaluate": "as for validate",
}


def effort_lines(effort: Effort | None) -> list[str]:
    """Lines for people; what an estimate rests on stands beside it."""
    if effort is None:
        return ["  memory and time: unknown, nothing here tells the sizes of the base"]
    held = f", of {effort.held_bytes / 1e9:.1f} GB" if effort.held_bytes is not None else ""
    lines = [f"  memory of the {effort.place} at the peak{held}; estimated from {effort.source}"]
    for stage, size in effort.peak_bytes.items():
        note = _parts(effort) if stage == "train" else NOTES[stage]
        lines.append(f"    {stage:<10} {_gb(size):>9}  {note}")
    if effort.training is not None:
        lines.append(f"  time of the training: {_time(effort.time)}")
    return lines


def effort_document(effort: Effort | None) -> dict[str, Any] | None:
    """The same for programs."""
    if effort is None:
        return None
    training, time = effort.training, effort.time
    return {
        "source": effort.source,
        "place": effort.place,
        "held_bytes": effort.held_bytes,
        "peak_bytes": dict(effort.peak_bytes),
        "training_bytes": None
        if training is None
        else {
            "base": training.base,
            "trained": training.trained,
            "batch": training.batch,
            "program": training.program,
        },
        "training_time": None
        if time is None
        else {
            "tokens_at_most": time.tokens,
            "flops": time.flops,
            "flops_per_second": time.flops_per_second,
            "seconds": time.seconds,
        },
    }


def _parts(effort: Effort) -> str:
    needs = effort.training
    if needs is None:
        return ""
    shares = {
        "base": needs.base,
        "adapter and optimizer": needs.trained,
        "a micro-batch": needs.batch,
        "the program": needs.program,
    }
    return ", ".join(f"{name} {_gb(size)}" for name, size in shares.items())


def _time(time: TrainingTime | None) -> str:
    if time is None:
        return "unknown until the dataset is built, on whose rows its epochs depend"
    size = f"{time.tokens:,} tokens where each example has max_length, {time.flops:.1e} operations"
    if time.seconds is None or time.flops_per_second is None:
        return f"unknown ({time.why}); {size}"
    rate = f"{time.flops_per_second / 1e9:,.1f} GFLOP/s, measured here for a second"
    return f"roughly {duration_text(time.seconds)} in matrix products: {size} at {rate}"


def _gb(size: int) -> str:
    return f"{size / 1e9:.1f} GB"
