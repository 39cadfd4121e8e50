"""What a training says of itself: its settings, and what came out."""

from __future__ import annotations

import importlib.metadata
import math
from collections.abc import Sequence
from pathlib import Path

from publisher.engine import memory
from publisher.engine.checkpoint import LogRow
from publisher.engine.held_out import best_of
from publisher.engine.jobs import Train
from publisher.engine.load import device
from publisher.records.facts import Json, Measurement
from publisher.weights.describe import count_parameters, read_config
from publisher.weights.shards import read_shards

PACKAGES = ("torch", "transformers", "peft", "bitsandbytes", "accelerate", "safetensors", "tokenizers")


def warmup_steps(job: Train) -> int:
    """Optimizer steps of the warm-up."""
    return math.ceil(job.warmup_ratio * job.steps)


def settings(job: Train) -> tuple[Measurement, ...]:
    """How it was trained."""
    quantized = job.method == "qlora"
    values: dict[str, Json] = {
        "method": job.method,
        "lora.r": job.r,
        "lora.alpha": job.alpha,
        "lora.dropout": job.dropout,
        "lora.target_modules": sorted(job.target_modules),
        "quantization": "nf4" if quantized else "none",
        "double_quant": quantized and job.double_quant,
        "compute_dtype": job.compute_dtype,
        "optimizer": "AdamW",
        "learning_rate": job.learning_rate,
        "schedule": job.schedule,
        "warmup_ratio": job.warmup_ratio,
        "warmup_steps": warmup_steps(job),
        "max_grad_norm": job.max_grad_norm,
        "batch_size": job.batch_size,
        "gradient_accumulation": job.gradient_accumulation,
        "effective_batch_size": job.batch_size * job.gradient_accumulation,
        "steps": job.steps,
        "processes": job.processes,
        "seed": job.seed,
    }
    values |= {f"versions.{name}": version for name in PACKAGES if (version := _version(name)) is not None}
    return tuple(Measurement(f"train.{name}", value) for name, value in values.items())


def outcome(
    job: Train, log: Sequence[LogRow], trained: int, examples: int, *, resumed: bool
) -> tuple[Measurement, ...]:
    """What was seen, what it cost, and how the loss went.

    Args:
        job: what was asked for.
        log: a row an optimizer step.
        trained: parameters.
        examples: rows of the train split.
        resumed: it went on from a checkpoint.
    """
    base = Path(job.base)
    losses = [row["loss"] for row in log]
    tokens, seconds = sum(row["tokens"] for row in log), sum(row["seconds"] for row in log)
    seen = job.steps * job.gradient_accumulation * job.batch_size
    values: dict[str, tuple[Json, str | None]] = {
        "trainable_parameters": (trained, None),
        "total_parameters": (count_parameters(read_config(base), read_shards(base)) + trained, None),
        "micro_batches": (job.steps * job.gradient_accumulation, None),
        "examples_seen": (seen, "rows"),
        "epochs": (seen / examples, None),
        "tokens_seen": (tokens, "tokens"),
        "supervised_tokens_seen": (sum(row["supervised_tokens"] for row in log), "tokens"),
        "first_loss": (losses[0], "nats/token"),
        "final_loss": (losses[-1], "nats/token"),
        "mean_loss": (sum(losses) / len(losses), "nats/token"),
        "seconds": (seconds, "s"),
        "seconds_per_step": (seconds / len(log), "s"),
        "tokens_per_second": (tokens / seconds, "tokens/s"),
        "device": (_device_name(), None),
        "resumed": (resumed, None),
        "log": (list(log), None),
        "peak_rss_bytes": (memory.peak_rss_bytes(), "bytes"),
    }
    return tuple(Measurement(f"train.{name}", value, unit) for name, (value, unit) in values.items())


def pictures_seen(log: Sequence[LogRow]) -> tuple[Measurement, ...]:
    """How many pictures were shown; nothing for a dataset without."""
    shown = sum(row["images"] for row in log)
    return (Measurement("train.images_seen", shown, "images"),) if shown else ()


def vision_tower(job: Train, parameters: int | None) -> tuple[Measurement, ...]:
    """Whether the vision tower was adapted, and how many parameters its layers of the same names took, or would take.

    Nothing for a base without one (`parameters` is None).
    """
    if parameters is None:
        return ()
    return (
        Measurement("train.lora.vision_tower", job.vision_tower),
        Measurement("train.lora.vision_parameters", parameters),
    )


def held_out(job: Train, rows: Sequence[LogRow], examples: int) -> tuple[Measurement, ...]:
    """Held-out losses while training; `best_step` is the one whose weights the adapter has. Nothing if none was asked."""
    if not rows:
        return ()
    best = best_of(rows)
    values: dict[str, tuple[Json, str | None]] = {
        "eval_every": (job.eval_every, "steps"),
        "eval_rows": (examples, "rows"),
        "eval_log": (list(rows), None),
        "best_step": (best["step"], None),
        "best_loss": (best["eval_loss"], "nats/token"),
    }
    return tuple(Measurement(f"train.{name}", value, unit) for name, (value, unit) in values.items())


def _device_name() -> str:
    import torch

    return torch.cuda.get_device_name() if device().startswith("cuda") else "CPU"


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
