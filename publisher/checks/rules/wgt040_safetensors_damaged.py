"""WGT040 safetensors-damaged: a safetensors file's header is wrong, or does not fit the file's length.

Why   half an upload or a bad copy cannot be loaded; whoever downloads gigabytes finds out last.
Fix   copy the file again from where it was saved, and compare its size and sha256.

Bad
    model.safetensors (safetensors, last 4 bytes cut): ←
        weight F32 8x8
Good
    model.safetensors (safetensors):
        weight F32 8x8
        bias BF16 8
"""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.observe.tensors import Headers
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity

_SHOWN = 5


@rule(Severity.ERROR)
def safetensors_damaged(headers: Headers) -> Iterator[Fault]:
    """Report what is wrong with each header. A Git LFS pointer has a rule of its own."""
    for header in headers.files:
        for fault in header.faults[:_SHOWN]:
            yield Fault(fault, header.path, hint="copy the file again from where it was saved")
        if len(header.faults) > _SHOWN:
            yield Fault(f"{len(header.faults) - _SHOWN} more faults in this header", header.path)
