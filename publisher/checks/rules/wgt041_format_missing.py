"""WGT041 format-missing: a safetensors file does not say which framework wrote it.

Why   older transformers and some other loaders refuse a file whose `__metadata__` has no `format`.
Fix   save again with `metadata={"format": "pt"}`.

Bad
    config.json:
        {"architectures": ["LlamaForCausalLM"]}
    model.safetensors (safetensors): ←
        weight F32 8x8
Bad
    adapter_model.safetensors (safetensors): ←
        base_model.model.q_proj.lora_A.weight F32 8x8
Good
    config.json:
        {"architectures": ["LlamaForCausalLM"]}
    model.safetensors (safetensors, format pt):
        weight F32 8x8
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from publisher.checks.observe.jsons import ModelConfig
from publisher.checks.observe.tensors import ADAPTER_WEIGHTS, Headers
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity

_WEIGHTS = re.compile(r"model(?:-\d{5}-of-\d{5})?\.safetensors")


@rule(Severity.WARNING)
def format_missing(headers: Headers, config: ModelConfig | None) -> Iterator[Fault]:
    """Report the weights that transformers loads, once a repo. PEFT does not look at it: an adapter's is a note."""
    for header in headers.files:
        if header.faults or header.pointer or not header.tensors or "format" in header.metadata:
            continue
        adapter = header.path == ADAPTER_WEIGHTS
        model = config is not None and "architectures" in config.data and _WEIGHTS.fullmatch(header.path)
        if adapter or model:
            yield Fault(
                "__metadata__ has no format: older loaders refuse the file",
                header.path,
                hint='save_file(tensors, path, metadata={"format": "pt"})',
                severity=Severity.NOTE if adapter else None,
            )
            return
