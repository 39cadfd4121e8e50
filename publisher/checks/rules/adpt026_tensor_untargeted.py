"""ADPT026 tensor-untargeted: the adapter holds LoRA tensors of a module that its configuration does not target.

Why   PEFT builds layers for the targets only and ignores the rest of the file: the adapter loads, without a warning,
      and does less than it was trained to do.
Fix   add the module's name to `target_modules`.

Bad
    adapter_config.json:
        {
          "peft_type": "LORA",
          "r": 8,
          "target_modules": ["q_proj"] ←
        }
    adapter_model.safetensors (safetensors):
        base_model.model.layers.0.q_proj.lora_A.weight F32 8x64
        base_model.model.layers.0.q_proj.lora_B.weight F32 64x8
        base_model.model.layers.0.v_proj.lora_A.weight F32 8x64
        base_model.model.layers.0.v_proj.lora_B.weight F32 64x8
Good
    adapter_config.json:
        {
          "peft_type": "LORA",
          "r": 8,
          "target_modules": ["q_proj"]
        }
    adapter_model.safetensors (safetensors):
        base_model.model.layers.0.q_proj.lora_A.weight F32 8x64
        base_model.model.layers.0.q_proj.lora_B.weight F32 64x8
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
def tensor_untargeted(adapter: AdapterConfig, tensors: AdapterTensors) -> Iterator[Fault | Skip]:
    """Report the modules that no target names, all in one finding."""
    reason = why_not_lora(adapter)
    names = target_names(adapter)
    if reason is not None or names is None:
        yield Skip(reason or PATTERN_REASON)
        return
    untargeted = [
        module.name
        for module in lora_modules(tensors)
        if not any(is_named(module.name, name) for name in names)
    ]
    if untargeted:
        shown = ", ".join(quote(name) for name in untargeted[:4])
        yield Fault(
            f"{len(untargeted)} modules with LoRA tensors are not in target_modules: {shown}",
            adapter.path,
            adapter.line("target_modules"),
            hint="add their names to target_modules",
        )
