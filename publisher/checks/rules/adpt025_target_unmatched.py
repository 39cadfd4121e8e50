"""ADPT025 target-unmatched: a target module has no tensor in the adapter.

Why   PEFT trains and loads such an adapter without a word: with names of another architecture (`fc_in`, `out_proj`
      on a Gemma) the layers that the card claims were never adapted.
Fix   correct `target_modules` to what was trained, or train again with the base's names.

Bad
    adapter_config.json:
        {
          "peft_type": "LORA",
          "r": 8,
          "target_modules": ["q_proj", "fc_in"] ←
        }
    adapter_model.safetensors (safetensors):
        base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight F32 8x64
        base_model.model.model.layers.0.self_attn.q_proj.lora_B.weight F32 64x8
Good
    adapter_config.json:
        {
          "peft_type": "LORA",
          "r": 8,
          "target_modules": ["q_proj"]
        }
    adapter_model.safetensors (safetensors):
        base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight F32 8x64
        base_model.model.model.layers.0.self_attn.q_proj.lora_B.weight F32 64x8
"""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.observe.jsons import AdapterConfig
from publisher.checks.observe.lora import PATTERN_REASON, is_named, lora_modules, target_names, why_not_lora
from publisher.checks.observe.tensors import AdapterTensors
from publisher.checks.quoting import quote
from publisher.checks.rule import Fault, Skip, rule
from publisher.records.findings import Severity


@rule(Severity.ERROR)
def target_unmatched(adapter: AdapterConfig, tensors: AdapterTensors) -> Iterator[Fault | Skip]:
    """Report the targets without tensors, all in one finding."""
    reason = why_not_lora(adapter)
    names = target_names(adapter)
    if reason is not None or names is None:
        yield Skip(reason or PATTERN_REASON)
        return
    excluded = adapter.data.get("exclude_modules")
    if isinstance(excluded, str):
        yield Skip("exclude_modules is a pattern")
        return
    left_out = excluded if isinstance(excluded, list) else []
    names = tuple(name for name in names if not any(is_named(name, each) for each in left_out))
    modules = [module.name for module in lora_modules(tensors)]
    # PEFT shortens long lists to endings, so a name may be met by several modules and a module by several names.
    unmatched = [name for name in names if not any(is_named(module, name) for module in modules)]
    if unmatched:
        shown = ", ".join(quote(name) for name in unmatched[:8])
        yield Fault(
            f"{len(unmatched)} of {len(names)} target modules have no tensor: {shown}",
            adapter.path,
            adapter.line("target_modules"),
            hint="correct target_modules, or train again with the base's module names",
        )
