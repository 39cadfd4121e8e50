"""ADPT020 adapter-incomplete: one of the adapter's two files is missing.

Why   PEFT needs adapter_config.json and adapter_model.safetensors, both at the top of the repo.
Fix   upload the folder that `save_pretrained` wrote, whole.

Bad
    adapter_config.json: ←
        {"peft_type": "LORA"}
Bad
    adapter_model.safetensors (safetensors): ←
        base_model.model.q_proj.lora_A.weight F32 8x16
Good
    adapter_config.json:
        {"peft_type": "LORA"}
    adapter_model.safetensors (safetensors):
        base_model.model.q_proj.lora_A.weight F32 8x16
"""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.observe.files import Files
from publisher.checks.observe.jsons import AdapterConfig
from publisher.checks.observe.tensors import ADAPTER_WEIGHTS
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity


@rule(Severity.ERROR)
def adapter_incomplete(files: Files) -> Iterator[Fault]:
    """Report the file that is there, and name the one that is not. Pickled weights have a rule of their own."""
    config = AdapterConfig.file
    weights = next((name for name in (ADAPTER_WEIGHTS, "adapter_model.bin") if name in files), None)
    if config in files and weights is None:
        yield Fault(
            f"{config} is here, {ADAPTER_WEIGHTS} is not", config, hint="upload the adapter's whole folder"
        )
    elif config not in files and weights is not None:
        yield Fault(f"{weights} is here, {config} is not", weights, hint="upload the adapter's whole folder")
