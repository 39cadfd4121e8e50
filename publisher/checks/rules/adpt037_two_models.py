"""ADPT037 two-models: one repo holds an adapter and a whole model.

Why   transformers finds adapter_config.json first and loads the base with the adapter; who wanted the merged weights
      gets something else. The Hub counts and labels the repo as only one of the two.
Fix   one repo each, the adapter's and the merged model's.

Bad
    adapter_config.json: ←
        {"peft_type": "LORA"}
    adapter_model.safetensors (safetensors):
        x.lora_A.weight F32 8x8
    config.json:
        {}
    model.safetensors (safetensors):
        weight F32 8x8
Good
    adapter_config.json:
        {"peft_type": "LORA"}
    adapter_model.safetensors (safetensors):
        x.lora_A.weight F32 8x8
    config.json:
        {}
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from publisher.checks.observe.files import Files
from publisher.checks.observe.jsons import AdapterConfig
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity

_WEIGHTS = re.compile(r"model(?:-\d{5}-of-\d{5})?\.safetensors|pytorch_model(?:-\d{5}-of-\d{5})?\.bin")


@rule(Severity.WARNING)
def two_models(adapter: AdapterConfig, files: Files) -> Iterator[Fault]:
    """Report full weights beside the adapter's configuration; a config.json alone does no harm."""
    weights = next((entry.path for entry in files if _WEIGHTS.fullmatch(entry.path)), None)
    if weights is not None:
        yield Fault(
            f"the repo holds an adapter, and a whole model in {weights}",
            adapter.path,
            hint="one repo for each",
        )
