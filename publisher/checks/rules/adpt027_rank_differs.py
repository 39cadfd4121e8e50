"""ADPT027 rank-differs: a LoRA pair is incomplete, or its rank is not the one that the configuration says.

Why   PEFT cannot load tensors of another rank than `r` (or `rank_pattern`) says, and half a pair changes nothing.
Fix   set `r` to the rank that was trained, or save the adapter again.

Bad
    adapter_config.json:
        {
          "peft_type": "LORA",
          "r": 64 ←
        }
    adapter_model.safetensors (safetensors):
        base_model.model.layers.0.q_proj.lora_A.weight F32 8x64
        base_model.model.layers.0.q_proj.lora_B.weight F32 64x8
Bad
    adapter_config.json:
        {
          "peft_type": "LORA",
          "r": 8
        }
    adapter_model.safetensors (safetensors): ←
        base_model.model.layers.0.q_proj.lora_A.weight F32 8x64
Good
    adapter_config.json:
        {
          "peft_type": "LORA",
          "r": 8,
          "rank_pattern": {"v_proj": 4}
        }
    adapter_model.safetensors (safetensors):
        base_model.model.layers.0.q_proj.lora_A.weight F32 8x64
        base_model.model.layers.0.q_proj.lora_B.weight F32 64x8
        base_model.model.layers.0.v_proj.lora_A.weight F32 4x64
        base_model.model.layers.0.v_proj.lora_B.weight F32 64x4
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from publisher.checks.observe.jsons import AdapterConfig
from publisher.checks.observe.lora import LoraModule, lora_modules, rank_of, why_not_lora
from publisher.checks.observe.tensors import ADAPTER_WEIGHTS, AdapterTensors
from publisher.checks.quoting import quote
from publisher.checks.rule import Fault, Skip, rule
from publisher.records.findings import Severity


@rule(Severity.ERROR)
def rank_differs(adapter: AdapterConfig, tensors: AdapterTensors) -> Iterator[Fault | Skip]:
    """Report broken pairs one finding each kind of fault, wrong ranks one finding each pair of ranks."""
    reason = why_not_lora(adapter)
    if reason is not None:
        yield Skip(reason)
        return
    broken: list[str] = []
    wrong: dict[tuple[int, int], list[str]] = defaultdict(list)
    unknown = 0
    for module in lora_modules(tensors):
        found, expected = _rank(module), rank_of(module.name, adapter)
        if found is None:
            broken.append(module.name)
        elif expected is None:
            unknown += 1
        elif found != expected:
            wrong[found, expected].append(module.name)
    if unknown:
        yield Skip(f"the rank of {unknown} modules is given by a pattern, or not at all")
    if broken:
        yield Fault(
            f"{len(broken)} modules do not have an A (r, in) and a B (out, r) of one rank, first {quote(broken[0])}",
            ADAPTER_WEIGHTS,
            hint="save the adapter again",
        )
    for (found, expected), names in sorted(wrong.items()):
        yield Fault(
            f"the configuration says rank {expected}, the tensors of {len(names)} modules have {found}",
            adapter.path,
            adapter.line("r"),
            hint=f'"r": {found}',
        )


def _rank(module: LoraModule) -> int | None:
    """The rank that A and B share; None where one is missing or they disagree."""
    for down, up in (("A", "B"), ("embedding_A", "embedding_B")):
        if down in module.parts or up in module.parts:
            if down not in module.parts or up not in module.parts:
                return None
            a, b = module.parts[down].shape, module.parts[up].shape
            return a[0] if len(a) >= 2 and len(b) >= 2 and a[0] == b[1] else None
    return None
