"""How fast this machine multiplies a batch with a frozen weight: what an estimate of a training's time rests on."""

from __future__ import annotations

import time
from typing import Any

from publisher.engine.jobs import Emit, JobResult, MatmulRate
from publisher.engine.load import device


def run(job: MatmulRate, emit: Emit) -> JobResult:  # noqa: ARG001 — a second has no progress
    """Multiply for `job.seconds`; `details["flops_per_second"]` is what was reached."""
    import torch

    place, dtype = device(), getattr(torch, job.compute_dtype)
    layer = _layer(job, dtype).to(place)
    inputs = torch.randn(job.rows, job.ins, device=place, dtype=dtype)
    with torch.inference_mode():
        _multiply(layer, inputs)  # the first time sets things up
        began, done = time.perf_counter(), 0
        while not done or time.perf_counter() - began < job.seconds:
            _multiply(layer, inputs)
            done += 1
    passed = time.perf_counter() - began
    return JobResult((), {"flops_per_second": 2 * job.rows * job.ins * job.outs * done / passed})


def _layer(job: MatmulRate, dtype: Any) -> Any:
    import torch

    if job.method == "lora":
        return torch.nn.Linear(job.ins, job.outs, bias=False, dtype=dtype)
    import bitsandbytes

    # in training, as the layers of a base are: for inference a CPU packs them in another way
    return bitsandbytes.nn.Linear4bit(
        job.ins, job.outs, bias=False, compute_dtype=dtype, compress_statistics=True, quant_type="nf4"
    )


def _multiply(layer: Any, inputs: Any) -> None:
    import torch

    layer(inputs)
    if inputs.is_cuda:
        torch.cuda.synchronize()
