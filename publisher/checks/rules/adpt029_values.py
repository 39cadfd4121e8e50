"""ADPT029 values: the adapter's numbers are broken, or change nothing.

Why   PEFT loads NaN without a word, and an adapter whose `lora_B` is still zero answers as its base does: it was
      never trained, or the wrong folder was saved.
Fix   look at the training's loss, and save the trained adapter again.

Bad
    adapter_model.safetensors (safetensors): ←
        base_model.model.q_proj.lora_A.weight F32 8x64 ones
        base_model.model.q_proj.lora_B.weight F32 64x8
Bad
    adapter_model.safetensors (safetensors): ←
        base_model.model.q_proj.lora_A.weight BF16 8x64 ones
        base_model.model.q_proj.lora_B.weight BF16 64x8 nan
Good
    adapter_model.safetensors (safetensors):
        base_model.model.q_proj.lora_A.weight F32 8x64 ones
        base_model.model.q_proj.lora_B.weight F32 64x8 ones
"""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.observe.tensors import AdapterTensors
from publisher.checks.observe.values import AdapterValues
from publisher.checks.quoting import quote
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity

_UPDATES = (".lora_B.", ".lora_embedding_B")


@rule(Severity.ERROR)
def values(tensors: AdapterTensors, seen: AdapterValues) -> Iterator[Fault]:
    """Report NaN and infinities, and an adapter without any update; modules that stayed untouched are a note."""
    if seen.broken:
        yield Fault(
            f"{len(seen.broken)} tensors hold NaN or infinity, such as {quote(seen.broken[0])}",
            tensors.header.path,
            hint="the training diverged: save an earlier checkpoint",
        )
    updates = [name for name in tensors.header.tensors if any(mark in name for mark in _UPDATES)]
    zero = [name for name in updates if name in set(seen.zero)]
    if not zero:
        return
    others = [name for name in tensors.header.tensors if ".lora_" not in name]
    untrained = len(zero) == len(updates) and not others
    yield Fault(
        "every lora_B is zero: the adapter changes nothing"
        if untrained
        else f"{len(zero)} of {len(updates)} lora_B are zero: these modules are as in the base, such as {quote(zero[0])}",
        tensors.header.path,
        hint="save the trained adapter again" if untrained else "",
        severity=None if untrained else Severity.NOTE,
    )
