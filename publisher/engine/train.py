"""Fine-tune a LoRA adapter: QLoRA (NF4 base) or LoRA (full-precision base), loss on the answers only.

A loop of our own: it is short, and a killed run that is resumed gives the very same losses (on one machine's CPU).
"""

from __future__ import annotations

import hashlib
import math
import shutil
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from publisher.engine import train_facts
from publisher.engine.arithmetic import quick_dtype
from publisher.engine.checkpoint import LogRow, Progress, find_progress, restore, save_checkpoint, trainable
from publisher.engine.distributed import launch
from publisher.engine.example import Example, Model, batch
from publisher.engine.group import ALONE, Group
from publisher.engine.held_out import best_of, forget_others, held_out_loss, restore_best, save_best
from publisher.engine.interrupt import stop_requests
from publisher.engine.jobs import Emit, JobResult, Train
from publisher.engine.load import device
from publisher.engine.lora import build_trainable, save_adapter
from publisher.engine.loss import summed_loss
from publisher.engine.reader import load_reader
from publisher.engine.reporting import Reports
from publisher.engine.sharding import held_bytes, share_base
from publisher.engine.targets import count_parameters
from publisher.engine.trainset import deal, read_examples
from publisher.errors import HubpubError
from publisher.records.digest import digest
from publisher.weights.adapter import describe_adapter
from publisher.weights.shards import read_shards

SCHEDULES = ("cosine", "linear", "constant")
# What changes nothing of a run's numbers: where things lie, and who looks on.
NO_NUMBERS = ("base", "data", "out", "save_every", "report_to", "fsdp")


@dataclass(frozen=True)
class Session:
    """What a training works on: the model that is trained, its optimizer, the rows of both splits, encoded; and who shares
    the work: each process has all of it, and its part of every step.
    """

    job: Train
    model: Model
    optimizer: Any
    examples: tuple[Example, ...]
    held_out: tuple[Example, ...]
    padding: int
    group: Group

    @property
    def checkpoints(self) -> Path:
        """Where a killed training goes on from."""
        return Path(self.job.out) / "checkpoints"


def run(job: Train, emit: Emit) -> JobResult:
    """Train, or go on with a training that was killed, and save the adapter: the last step's, or the best's.

    Raises:
        HubpubError: HP-D01, HP-D02, HP-D04 and HP-B05 for the rows, HP-A05 for the targets, HP-M10 for the schedule
            or a vision tower that is not there, HP-E01 for `report_to`, all before the first step; HP-E07 when loss or
            gradient is not finite (the last checkpoint is kept); HP-I01 when told to stop (a checkpoint is written);
            HP-X05 where several processes cannot run.
    """
    if job.processes > 1:
        return launch(train, job, emit)
    return train(job, emit, ALONE)


def train(job: Train, emit: Emit, group: Group) -> JobResult:
    """What each process of a training does: all of `run`, or its part of each step. The first one writes and tells.

    Where the processor would only emulate the type that was asked for, float32 is computed in, and the facts say so.
    """
    import torch

    if job.schedule not in SCHEDULES:
        raise HubpubError(
            "HP-M10",
            f"the learning rate schedule {job.schedule!r} is not known",
            hint=f"write one of {', '.join(SCHEDULES)} under `train: schedule:`",
            schedule=job.schedule,
        )
    _refuse_idle(job)
    job = replace(job, compute_dtype=quick_dtype(job.compute_dtype, device()))
    reports = Reports.open(job.report_to if group.leads else (), Path(job.out) / "reports")
    reader = load_reader(job.base)
    examples = read_examples(Path(job.data), reader, job.max_length)
    held_out: tuple[Example, ...] = ()
    if job.eval_every is not None:
        held_out = read_examples(Path(job.data), reader, job.max_length, "validation", job.eval_rows)
    emit({"event": "phase", "phase": "load", "examples": len(examples)})
    model, targets = build_trainable(job)
    if job.fsdp is not None and group.size > 1:
        share_base(model, job.fsdp, group)
    optimizer = torch.optim.AdamW([weight for _, weight in trainable(model)], lr=0.0, weight_decay=0.0)
    session = Session(job, model, optimizer, examples, held_out, reader.padding, group)
    began = _resume(session, _key(job), emit)
    with reports:
        done = _steps(session, began, reports, emit)
    if done.held_out:
        restore_best(session.checkpoints, best_of(done.held_out)["step"], model)
    adapter = Path(job.out) / "adapter"
    if not group.leads:
        return JobResult((), {})
    save_adapter(model, job, adapter)
    count = sum(weight.numel() for _, weight in trainable(model))
    base = model.get_base_model()
    in_vision = (
        count_parameters(base, targets.vision, job.r) if hasattr(base.config, "vision_config") else None
    )
    measured = (
        *train_facts.settings(job),
        *train_facts.outcome(job, done.log, count, len(examples), resumed=began.step > 0),
        *train_facts.vision_tower(job, in_vision),
        *train_facts.pictures_seen(done.log),
        *train_facts.held_out(job, done.held_out, len(held_out)),
        *describe_adapter(adapter),
    )
    details = {"adapter": str(adapter), "resumed_from_step": began.step, "base_bytes_held": held_bytes(model)}
    return JobResult(measured, details)


def learning_rate(job: Train, step: int) -> float:
    """The rate of one optimizer step, counted from 0.

    Warm-up rises in equal parts and never from zero, so that no step is spent on learning nothing.
    """
    warmup = train_facts.warmup_steps(job)
    if step < warmup:
        return job.learning_rate * (step + 1) / (warmup + 1)
    progress = (step - warmup) / max(1, job.steps - warmup)
    if job.schedule == "cosine":
        return job.learning_rate * 0.5 * (1 + math.cos(math.pi * progress))
    return job.learning_rate * (1 - progress) if job.schedule == "linear" else job.learning_rate


def _steps(session: Session, done: Progress, reports: Reports, emit: Emit) -> Progress:
    """All steps that are left; returns how it went from the first one on."""
    job, place = session.job, str(session.model.device)
    with stop_requests() as stop_asked:
        while done.step < job.steps:
            row = _step(session, done.step)
            done = replace(done, step=done.step + 1, log=(*done.log, row))
            reports.add(row)
            emit(
                {"event": "step", "of": job.steps, "tokens_per_second": row["tokens"] / row["seconds"]} | row
            )
            looked = _look(session, done, emit)
            if looked is not None:
                reports.add(looked)
                done = replace(done, held_out=(*done.held_out, looked))
            stopping = session.group.any_of(stop_asked(), place) and done.step < job.steps
            if stopping or looked is not None or done.step % job.save_every == 0 or done.step == job.steps:
                _keep(session, done)
            if stopping:
                raise HubpubError(
                    "HP-I01",
                    f"training was stopped after step {done.step} of {job.steps}",
                    hint="run the same command again; it goes on from there",
                    where=str(session.checkpoints),
                    step=done.step,
                )
    return done


def _look(session: Session, done: Progress, emit: Emit) -> LogRow | None:
    """The held-out loss, where one is due after this step; the weights are kept if none was lower."""
    job = session.job
    if job.eval_every is None or (done.step % job.eval_every and done.step < job.steps):
        return None
    loss = held_out_loss(
        session.model, session.held_out, session.padding, job.batch_size, job.compute_dtype, session.group
    )
    row: LogRow = {"step": done.step, "eval_loss": loss}
    emit({"event": "held out", "of": job.steps} | row)
    if session.group.leads and best_of((*done.held_out, row)) is row:
        save_best(session.checkpoints, done.step, session.model)
    return row


def _keep(session: Session, done: Progress) -> None:
    if not session.group.leads:
        return
    save_checkpoint(session.checkpoints, done, session.model, session.optimizer)
    if done.held_out:  # only now: until a checkpoint knows of the new best, the old one may be gone back to
        forget_others(session.checkpoints, best_of(done.held_out)["step"])


def _step(session: Session, step: int) -> LogRow:
    """One optimizer step over a whole accumulation window; returns its row of the log.

    The window's losses are summed and divided by ITS supervised tokens: averaging the micro-batches' means would
    give a short answer's tokens more weight than a long one's. So the sum over the shares of several processes is what
    one process would have.
    """
    import torch

    began = time.perf_counter()
    job, model, optimizer = session.job, session.model, session.optimizer
    window = job.batch_size * job.gradient_accumulation
    picked = [
        session.examples[index] for index in deal(len(session.examples), job.seed, step * window, window)
    ]
    supervised = sum(example.supervised for example in picked)
    rate = learning_rate(job, step)
    optimizer.zero_grad(set_to_none=True)
    own = session.group.share(picked)
    _seed_step(session, step)
    loss = 0.0
    for first in range(0, len(own), job.batch_size):
        inputs, labels = batch(own[first : first + job.batch_size], session.padding, model)
        share = summed_loss(model, inputs, labels, job.compute_dtype) / supervised
        share.backward()
        loss += float(share.detach())
    weights = [weight for _, weight in trainable(model)]
    session.group.add_up(weight.grad for weight in weights)
    loss = session.group.total(loss, str(model.device))
    norm = float(torch.nn.utils.clip_grad_norm_(weights, job.max_grad_norm))
    if not (math.isfinite(loss) and math.isfinite(norm)):
        raise HubpubError(
            "HP-E07",
            f"at step {step + 1} of {job.steps} the loss is {loss} and the gradient's norm {norm}",
            hint="lower `learning_rate` or lengthen the warm-up, then run the same command again",
            where=str(session.checkpoints),
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
        "images": sum(len(example.pictures.files) for example in picked if example.pictures is not None),
        "seconds": time.perf_counter() - began,
    }


def _seed_step(session: Session, step: int) -> None:
    """Give each process of a group dropout of its own, a function of the step, so that no state of it need be kept."""
    import torch

    group = session.group
    if group.size > 1:
        torch.manual_seed(int(digest([session.job.seed, step, group.rank])[:15], 16))


def _refuse_idle(job: Train) -> None:
    """Refuse a window that cannot be shared evenly: processes would wait for one another, or have nothing to do."""
    window = job.batch_size * job.gradient_accumulation
    if window % job.processes:
        raise HubpubError(
            "HP-M10",
            f"a step's {window} examples cannot be shared evenly by {job.processes} processes",
            hint="choose --processes so that it divides batch_size × gradient_accumulation",
            window=window,
            processes=job.processes,
        )


def _resume(session: Session, key: str, emit: Emit) -> Progress:
    folder = session.checkpoints
    found = find_progress(folder)
    session.group.meet()  # all have read it, before the first one writes or removes anything
    if found is None:
        return Progress(key, 0, ())
    checkpoint, progress = found
    if progress.key != key:
        # Another base, other rows or other settings: going on would give a model that no record describes.
        emit({"event": "restart", "reason": "the checkpoint belongs to other settings, base or data"})
        if session.group.leads:
            shutil.rmtree(folder)
        return Progress(key, 0, ())
    restore(checkpoint, session.model, session.optimizer)
    session.group.meet()
    emit({"event": "resume", "step": progress.step, "of": len(progress.log)})
    return progress


def _key(job: Train) -> str:
    """Digest of everything that decides the numbers; where things lie does not."""
    settings = {name: value for name, value in asdict(job).items() if name not in NO_NUMBERS}
    base, data = Path(job.base), Path(job.data)
    splits = ("train", "validation") if job.eval_every is not None else ("train",)
    return digest(
        {
            "settings": settings,
            "base": [[shard.file.name, shard.size_bytes] for shard in read_shards(base).shards],
            "config": _sha256(base / "config.json"),
            "rows": [_sha256(file) for split in splits for file in sorted(data.glob(f"{split}-*.parquet"))],
        }
    )


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
