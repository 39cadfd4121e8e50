"""Whether 4-bit layers work here: one small layer, quantized, passed through and back, held against its full weights."""

from __future__ import annotations

from publisher.engine.jobs import Emit, FourBit, JobResult
from publisher.engine.load import device

ROWS = 4


def run(job: FourBit, emit: Emit) -> JobResult:  # noqa: ARG001 — a moment has no progress
    """Try it; `details` says where (`device`), the `relative_error` of what comes out, and whether the `gradient` is finite.

    The error is of NF4 itself, about 0.1 for weights that are spread normally: 0 would be a layer that was not quantized.
    """
    import bitsandbytes
    import torch

    generator = torch.Generator().manual_seed(0)
    full = torch.randn(job.width, job.width, generator=generator)
    layer = bitsandbytes.nn.Linear4bit(
        job.width,
        job.width,
        bias=False,
        compute_dtype=torch.float32,
        compress_statistics=True,
        quant_type="nf4",
    )
    layer.load_state_dict({"weight": full})
    layer = layer.requires_grad_(False).to(device())  # quantized on its way there
    given = torch.randn(ROWS, job.width, generator=generator).to(device()).requires_grad_(True)
    out = layer(given)
    out.sum().backward()
    true = given.detach().cpu() @ full.T
    error = (out.detach().cpu() - true).norm() / true.norm()
    finite = given.grad is not None and bool(given.grad.isfinite().all())
    return JobResult((), {"device": str(device()), "relative_error": float(error), "gradient": finite})
