"""How fast this machine passes a batch through frozen weights, forth and back: what an estimate of a training's time rests on."""

from __future__ import annotations

import time
from typing import Any

from publisher.engine.jobs import Emit, JobResult, MatmulRate
from publisher.engine.load import device

FIRST_ROWS = 32
LONG_ENOUGH_S = 0.3  # of one pass: with more rows the rate hardly rises


def run(job: MatmulRate, emit: Emit) -> JobResult:  # noqa: ARG001 — a second has no progress
    """Pass for about `job.seconds`; `details["flops_per_second"]` is what was reached, with `details["rows"]` at a time."""
    import torch

    dtype = getattr(torch, job.compute_dtype)
    layers = [_layer(job, outs, ins, dtype).to(device()) for outs, ins in job.shapes]
    rows = min(FIRST_ROWS, job.rows)
    _seconds(layers, rows, dtype)  # the first time sets things up
    taken = [_seconds(layers, rows, dtype)]
    while taken[0] < LONG_ENOUGH_S and rows < job.rows:
        rows = min(2 * rows, job.rows)
        taken = [_seconds(layers, rows, dtype)]
    while sum(taken) < job.seconds:
        taken.append(_seconds(layers, rows, dtype))
    flops = 4 * rows * sum(outs * ins for outs, ins in job.shapes) * len(taken)
    return JobResult((), {"flops_per_second": flops / sum(taken), "rows": rows})


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
