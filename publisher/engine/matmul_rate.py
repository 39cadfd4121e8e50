"""How fast this machine passes a batch through frozen weights, forth and back: what an estimate of a training's time rests on."""

from __future__ import annotations

import time
from typing import Any

from publisher.engine.arithmetic import quick_dtype
from publisher.engine.jobs import Emit, JobResult, MatmulRate
from publisher.engine.load import device

FEW, MORE = 64, 192  # rows of the two passes that are timed
AT_LEAST = 2  # times each


def run(job: MatmulRate, emit: Emit) -> JobResult:  # noqa: ARG001 — a second has no progress
    """Pass for about `job.seconds`; `details["flops_per_second"]` is what `job.rows` at a time would reach.

    What a pass takes whatever its rows (4-bit weights are unpacked) and what each row adds are told apart by two lengths,
    the fastest of each: so a second does, where all rows of a batch would take a minute.
    """
    import torch

    dtype = getattr(torch, quick_dtype(job.compute_dtype, device()))
    layers = [_layer(job, outs, ins, dtype).to(device()) for outs, ins in job.shapes]
    few, more = min(FEW, job.rows), min(MORE, job.rows)
    _seconds(layers, few, dtype)  # the first time sets things up
    taken: dict[int, list[float]] = {few: [], more: []}
    began = time.perf_counter()
    while len(taken[more]) < AT_LEAST or time.perf_counter() - began < job.seconds:
        for rows, seconds in taken.items():
            seconds.append(_seconds(layers, rows, dtype))
    fastest = {rows: min(seconds) for rows, seconds in taken.items()}
    added = (fastest[more] - fastest[few]) / (more - few) if more > few else 0.0
    whole = fastest[more] + (job.rows - more) * max(added, 0.0)
    weights = sum(outs * ins for outs, ins in job.shapes)
    return JobResult((), {"flops_per_second": 4 * job.rows * weights / whole})


def _layer(job: MatmulRate, outs: int, ins: int, dtype: Any) -> Any:
    import torch

    if job.method == "lora":
        return torch.nn.Linear(ins, outs, bias=False, dtype=dtype).requires_grad_(False)
    import bitsandbytes

    return bitsandbytes.nn.Linear4bit(
        ins, outs, bias=False, compute_dtype=dtype, compress_statistics=True, quant_type="nf4"
    ).requires_grad_(False)


def _seconds(layers: list[Any], rows: int, dtype: Any) -> float:
    """Time of one pass through all of them, and of the way back to their inputs."""
    import torch

    inputs = [
        torch.randn(rows, layer.in_features, device=device(), dtype=dtype, requires_grad=True)
        for layer in layers
    ]
    began = time.perf_counter()
    for layer, given in zip(layers, inputs, strict=True):
        layer(given).sum().backward()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - began
