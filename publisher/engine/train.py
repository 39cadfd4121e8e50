"""Fine-tune a LoRA adapter: QLoRA (NF4 base) or LoRA (full-precision base), loss on the answers only.

A loop of our own: it is short, and a killed run that is resumed gives the very same losses (on one machine's CPU).
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import math
import shutil
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from publisher.engine import chat, memory
from publisher.engine.checkpoint import LogRow, Progress, find_progress, restore, save_checkpoint, trainable
from publisher.engine.interrupt import stop_requests
from publisher.engine.jobs import Emit, JobResult, Train
from publisher.engine.load import Model, device, load_tokenizer
from publisher.engine.lora import build_trainable, save_adapter
from publisher.engine.trainset import Example, deal, read_examples
from publisher.errors import HubpubError
from publisher.records.digest import digest
from publisher.records.facts import Json, Measurement
from publisher.weights.adapter import describe_adapter
from publisher.weights.describe import count_parameters, read_config
from publisher.weights.shards import read_shards

SCHEDULES = ("cosine", "linear", "constant")
PACKAGES = ("torch", "transformers", "peft", "bitsandbytes", "accelerate", "safetensors", "tokenizers")


def run(job: Train, emit: Emit) -> JobResult:
    """Train, or go on with a training that was killed, and save the adapter.

    Raises:
        HubpubError: HP-D01, HP-D02, HP-D04 and HP-B05 for the rows, HP-A05 for the targets, HP-M10 for the
            schedule, all before the first step; HP-E07 when loss or gradient is not finite (the last
            checkpoint is kept); HP-I01 when told to stop (a checkpoint is written).
    """
    import torch

    if job.schedule not in SCHEDULES:
        raise HubpubError(
            "HP-M10",
            f"the learning rate schedule {job.schedule!r} is not known",
            hint=f"write one of {', '.join(SCHEDULES)} under `train: schedule:`",
            schedule=job.schedule,
        )
    tokenizer = load_tokenizer(job.base)
    examples = read_examples(Path(job.data), tokenizer, job.max_length)
    emit({"event": "phase", "phase": "load", "examples": len(examples)})
    model = build_trainable(job)
    optimizer = torch.optim.AdamW([weight for _, weight in trainable(model)], lr=0.0, weight_decay=0.0)
    checkpoints = Path(job.out) / "checkpoints"
    began = _resume(checkpoints, _key(job), model, optimizer, emit)
    log = list(began.log)
    pad_id = chat.pad_id(tokenizer)
    with stop_requests() as stop_asked:
        for step in range(began.step, job.steps):
            row = _step(job, step, examples, pad_id, model, optimizer)
            log.append(row)
            emit(
                {"event": "step", "of": job.steps, "tokens_per_second": row["tokens"] / row["seconds"]} | row
            )
            done = Progress(began.key, step + 1, tuple(log))
            stopping = stop_asked() and done.step < job.steps
            if stopping or done.step % job.save_every == 0 or done.step == job.steps:
                save_checkpoint(checkpoints, done, model, optimizer)
            if stopping:
                raise HubpubError(
                    "HP-I01",
                    f"training was stopped after step {done.step} of {job.steps}",
                    hint="run the same command again; it goes on from there",
                    where=str(checkpoints),
                    step=done.step,
                )
    adapter = Path(job.out) / "adapter"
    save_adapter(model, job, adapter)
    count = sum(weight.numel() for _, weight in trainable(model))
    measured = (
        *_settings(job),
        *_outcome(job, log, count, resumed=began.step > 0),
        *describe_adapter(adapter),
    )
    return JobResult(measured, {"adapter": str(adapter), "resumed_from_step": began.step})


def learning_rate(job: Train, step: int) -> float:
    """The rate of one optimizer step, counted from 0.

    Warm-up rises in equal parts and never from zero, so that no step is spent on learning nothing.
    """
    warmup = warmup_steps(job)
    if step < warmup:
        return job.learning_rate * (step + 1) / (warmup + 1)
    progress = (step - warmup) / max(1, job.steps - warmup)
    if job.schedule == "cosine":
        return job.learning_rate * 0.5 * (1 + math.cos(math.pi * progress))
    return job.learning_rate * (1 - progress) if job.schedule == "linear" else job.learning_rate


def warmup_steps(job: Train) -> int:
    """Optimizer steps of the warm-up."""
    return math.ceil(job.warmup_ratio * job.steps)


def _step(
    job: Train, step: int, examples: tuple[Example, ...], pad_id: int, model: Model, optimizer: Any
) -> LogRow:
    """One optimizer step over a whole accumulation window; returns its row of the log.

    The window's losses are summed and divided by ITS supervised tokens: averaging the micro-batches' means would
    give a short answer's tokens more weight than a long one's.
    """
    import torch

    began = time.perf_counter()
    window = job.batch_size * job.gradient_accumulation
    picked = [examples[index] for index in deal(len(examples), job.seed, step * window, window)]
    supervised = sum(example.supervised for example in picked)
    rate = learning_rate(job, step)
    optimizer.zero_grad(set_to_none=True)
    loss = 0.0
    for first in range(0, window, job.batch_size):
        share = (
            _summed_loss(model, picked[first : first + job.batch_size], pad_id, job.compute_dtype)
            / supervised
        )
        share.backward()
        loss += float(share.detach())
    weights = [weight for _, weight in trainable(model)]
    norm = float(torch.nn.utils.clip_grad_norm_(weights, job.max_grad_norm))
    if not (math.isfinite(loss) and math.isfinite(norm)):
        raise HubpubError(
            "HP-E07",
            f"at step {step + 1} of {job.steps} the loss is {loss} and the gradient's norm {norm}",
            hint="lower `learning_rate` or lengthen the warm-up, then run the same command again",
            where=str(Path(job.out) / "checkpoints"),
            step=step + 1,
            loss=str(loss),
            grad_norm=str(norm),
        )
    for group in optimizer.param_groups:
        group["lr"] = rate
    optimizer.step()
    return {
        "step": step + 1,
        "loss": loss,
        "learning_rate": rate,
        "grad_norm": norm,
        "tokens": sum(len(example.input_ids) for example in picked),
        "supervised_tokens": supervised,
        "seconds": time.perf_counter() - began,
    }


def _summed_loss(model: Model, examples: list[Example], pad_id: int, compute_dtype: str) -> Any:
    """Cross entropy of one micro-batch, summed over its supervised tokens, in nats."""
    import torch

    batch = chat.pad([(example.input_ids, example.labels) for example in examples], pad_id)
    ids, mask, labels = (torch.tensor(rows, device=model.device) for rows in batch)
    inputs = {"input_ids": ids, "attention_mask": mask}
    if hasattr(model.config, "vision_config"):
        inputs["token_type_ids"] = torch.zeros_like(ids)  # all text; multimodal models insist while training
    cuda = model.device.type == "cuda"
    # A CPU gains nothing by autocast here, and the LoRA matrices keep their float32.
    with torch.autocast(model.device.type, dtype=getattr(torch, compute_dtype), enabled=cuda):
        logits = model(**inputs).logits[:, :-1]
    targets = labels[:, 1:]
    taught = targets != chat.IGNORED
    return torch.nn.functional.cross_entropy(logits[taught].float(), targets[taught], reduction="sum")


def _resume(folder: Path, key: str, model: Model, optimizer: Any, emit: Emit) -> Progress:
    found = find_progress(folder)
    if found is None:
        return Progress(key, 0, ())
    checkpoint, progress = found
    if progress.key != key:
        # Another base, other rows or other settings: going on would give a model that no record describes.
        emit({"event": "restart", "reason": "the checkpoint belongs to other settings, base or data"})
        shutil.rmtree(folder)
        return Progress(key, 0, ())
    restore(checkpoint, model, optimizer)
    emit({"event": "resume", "step": progress.step, "of": len(progress.log)})
    return progress


def _key(job: Train) -> str:
    """Digest of everything that decides the numbers; where things lie does not."""
    settings = {
        name: value
        for name, value in asdict(job).items()
        if name not in ("base", "data", "out", "save_every")
    }
    base, data = Path(job.base), Path(job.data)
    return digest(
        {
            "settings": settings,
            "base": [[shard.file.name, shard.size_bytes] for shard in read_shards(base).shards],
            "config": _sha256(base / "config.json"),
            "rows": [_sha256(file) for file in sorted(data.glob("train-*.parquet"))],
        }
    )


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _settings(job: Train) -> tuple[Measurement, ...]:
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
        "seed": job.seed,
    }
    values |= {f"versions.{name}": version for name in PACKAGES if (version := _version(name)) is not None}
    return tuple(Measurement(f"train.{name}", value) for name, value in values.items())


def _outcome(job: Train, log: list[LogRow], trained: int, *, resumed: bool) -> tuple[Measurement, ...]:
    base = Path(job.base)
    losses = [row["loss"] for row in log]
    tokens, seconds = sum(row["tokens"] for row in log), sum(row["seconds"] for row in log)
    values: dict[str, tuple[Json, str | None]] = {
        "trainable_parameters": (trained, None),
        "total_parameters": (count_parameters(read_config(base), read_shards(base)) + trained, None),
        "micro_batches": (job.steps * job.gradient_accumulation, None),
        "examples_seen": (job.steps * job.gradient_accumulation * job.batch_size, "rows"),
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
        "log": (log, None),
        "peak_rss_bytes": (memory.peak_rss_bytes(), "bytes"),
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
