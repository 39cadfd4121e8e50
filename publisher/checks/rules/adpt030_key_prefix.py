"""ADPT030 key-prefix: the adapter's tensors are named for another class than the base's.

Why   PEFT finds no module of such a name, warns of missing keys at most, and the adapter changes nothing: a model that
      only reads text has no `language_model` inside, one that reads images keeps its text layers there.
Fix   name the base that the adapter was trained on, or save it again from that base's own class.

Bad
    adapter_config.json:
        {
          "peft_type": "LORA",
          "base_model_name_or_path": "google/gemma-2-9b-it" ←
        }
    adapter_model.safetensors (safetensors):
        base_model.model.model.language_model.layers.0.self_attn.q_proj.lora_A.weight F32 8x3584
Bad
    adapter_config.json:
        {
          "peft_type": "LORA",
          "base_model_name_or_path": "google/gemma-3-4b-it" ←
        }
    adapter_model.safetensors (safetensors):
        base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight F32 8x2560
Good
    adapter_config.json:
        {
          "peft_type": "LORA",
          "base_model_name_or_path": "google/gemma-3-4b-it"
        }
    adapter_model.safetensors (safetensors):
        base_model.model.language_model.model.layers.0.self_attn.q_proj.lora_A.weight F32 8x2560
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from publisher.checks.observe.jsons import AdapterConfig
from publisher.checks.observe.shapes import BaseSizes
from publisher.checks.observe.tensors import AdapterTensors
from publisher.checks.quoting import quote
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity

_INSIDE = re.compile(r"(?:^|\.)(?:language_model|vision_tower|vision_model|multi_modal_projector)\.")
_TEXT_ONLY = re.compile(r"base_model\.model\.model\.layers\.\d")


@rule(Severity.ERROR)
def key_prefix(adapter: AdapterConfig, tensors: AdapterTensors, base: BaseSizes | None) -> Iterator[Fault]:
    """Report names that the base's class does not have; the text part of one that reads images may be meant: a warning."""
    if base is None:
        return
    key, names = "base_model_name_or_path", tensors.header.tensors
    inside = next((name for name in names if _INSIDE.search(name)), None)
    plain = next((name for name in names if _TEXT_ONLY.match(name)), None)
    if base.reads_text and inside is not None:
        yield Fault(
            f"{base.sizes.source} reads text only and has no module for {quote(inside)}",
            adapter.path,
            adapter.line(key),
            hint="name the base that the adapter was trained on",
        )
    elif not base.reads_text and inside is None and plain is not None:
        yield Fault(
            f"{base.sizes.source} keeps its layers in language_model, the adapter has {quote(plain)}",
            adapter.path,
            adapter.line(key),
            hint="name the text-only model that it was trained on, or save it from the base's own class",
            severity=Severity.WARNING,
        )
