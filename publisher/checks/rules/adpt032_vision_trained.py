"""ADPT032 vision-trained: the adapter changes the image tower too, though its card speaks of text.

Why   `q_proj` and its like are names of the image tower's modules as well, so a list of plain names adapts both; on
      texts alone those tensors are never trained, and merging still writes them.
Fix   train with a pattern, such as `.*language_model.*q_proj`, or say in the card what was adapted.

Bad
    README.md:
        ---
        license: mit
        pipeline_tag: text-generation
        ---
    adapter_config.json:
        {
          "target_modules": ["q_proj"] ←
        }
    adapter_model.safetensors (safetensors):
        base_model.model.model.vision_tower.encoder.layers.0.self_attn.q_proj.lora_A.weight F32 8x64
        base_model.model.model.language_model.layers.0.self_attn.q_proj.lora_A.weight F32 8x64
Good
    README.md:
        ---
        license: mit
        pipeline_tag: image-text-to-text
        ---
    adapter_config.json:
        {
          "target_modules": ["q_proj"]
        }
    adapter_model.safetensors (safetensors):
        base_model.model.model.vision_tower.encoder.layers.0.self_attn.q_proj.lora_A.weight F32 8x64
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from publisher.checks.observe.jsons import AdapterConfig
from publisher.checks.observe.readme import Metadata
from publisher.checks.observe.tensors import AdapterTensors
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity

_VISION = re.compile(r"\.(?:vision_tower|vision_model|visual|vision_encoder)\.")
_TEXT = "text-generation"


@rule(Severity.WARNING)
def vision_trained(card: Metadata, adapter: AdapterConfig, tensors: AdapterTensors) -> Iterator[Fault]:
    """Report it where the card's pipeline is one for text alone."""
    inside = [name for name in tensors.header.tensors if _VISION.search(name) and ".lora_A" in name]
    if inside and any(value.data == _TEXT for value in card.texts("pipeline_tag")):
        yield Fault(
            f"{len(inside)} modules of the image tower are adapted, and the card says {_TEXT}",
            adapter.path,
            adapter.line("target_modules"),
            hint="pipeline_tag: image-text-to-text, if the model still reads images",
        )
