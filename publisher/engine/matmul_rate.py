"""How fast this machine multiplies a batch with a frozen weight: what an estimate of a training's time rests on."""

from __future__ import annotations

import time
from typing import Any

from publisher.engine.jobs import Emit, JobResult, MatmulRate
from publisher.engine.load import device

FIRST_ROWS = 32
LONG_ENOUGH_S = 0.1  # of one product: with more rows the rate hardly rises


def run(job: MatmulRate, emit: Emit) -> JobResult:  # noqa: ARG001 — a second has no progress
    """Multiply for about `job.seconds`; `details["flops_per_second"]` is what was reached."""
    import torch

    place, dtype = device(), getattr(torch, job.compute_dtype)
    layer = _layer(job, dtype).to(place)
    rows = min(FIRST_ROWS, job.rows)
    with torch.inference_mode():
        _seconds(layer, rows, job.ins, dtype)  # the first time sets things up
        taken = [_seconds(layer, rows, job.ins, dtype)]
        while taken[0] < LONG_ENOUGH_S and rows < job.rows:
            rows = min(2 * rows, job.rows)
            taken = [_seconds(layer, rows, job.ins, dtype)]
        while sum(taken) < job.seconds:
            taken.append(_seconds(layer, rows, job.ins, dtype))
    flops = 2 * rows * job.ins * job.outs * len(taken)
    return JobResult((), {"flops_per_second": flops / sum(taken), "rows": rows})


def _layer(job: MatmulRate, dtype: Any) -> Any:
    import torch

    if job.method == "lora":
        return torch.nn.Linear(job.ins, job.outs, bias=False, dtype=dtype)
    import bitsandbytes

    return bitsandbytes.nn.Linear4bit(
        job.ins, job.outs, bias=False, compute_dtype=dtype, compress_statistics=True, quant_type="nf4"
    )


def _seconds(layer: Any, rows: int, ins: int, dtype: Any) -> float:
    """Time of one product."""
    import torch

    inputs = torch.randn(rows, ins, device=device(), dtype=dtype)
    began = time.perf_counter()
    layer(inputs)
    if inputs.is_cuda:
        torch.cuda.synchronize()
    return time.perf_counter() - began
