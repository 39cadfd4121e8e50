"""ADPT031 base-shape: the adapter's tensors do not fit the base that it names.

Why   tensors of another size cannot be loaded, those of layers that the base does not have are left out without a
      word: the adapter was trained on another model.
Fix   write the base that it was trained on into `base_model_name_or_path`.

Bad
    adapter_config.json:
        {
          "peft_type": "LORA",
          "base_model_name_or_path": "google/gemma-2-9b-it", ←
          "target_modules": ["q_proj"]
        }
    adapter_model.safetensors (safetensors):
        base_model.model.model.layers.41.self_attn.q_proj.lora_A.weight F32 8x2304
        base_model.model.model.layers.41.self_attn.q_proj.lora_B.weight F32 2048x8
Bad
    adapter_config.json:
        {
          "peft_type": "LORA",
          "base_model_name_or_path": "google/gemma-2-2b", ←
          "target_modules": ["o_proj"],
          "layers_to_transform": [26]
        }
    adapter_model.safetensors (safetensors):
        base_model.model.model.layers.26.self_attn.o_proj.lora_A.weight F32 8x2048
        base_model.model.model.layers.26.self_attn.o_proj.lora_B.weight F32 2304x8
Bad
    adapter_config.json:
        {
          "peft_type": "LORA",
          "base_model_name_or_path": "google/gemma-2-2b", ←
          "target_modules": ["o_proj"]
        }
    adapter_model.safetensors (safetensors):
        base_model.model.model.layers.0.self_attn.o_proj.lora_A.weight F32 8x2048
        base_model.model.model.layers.0.self_attn.o_proj.lora_B.weight F32 2304x8
Good
    adapter_config.json:
        {
          "peft_type": "LORA",
          "base_model_name_or_path": "google/gemma-2-2b",
          "target_modules": ["o_proj"],
          "layers_to_transform": [25]
        }
    adapter_model.safetensors (safetensors):
        base_model.model.model.layers.25.self_attn.o_proj.lora_A.weight F32 8x2048
        base_model.model.model.layers.25.self_attn.o_proj.lora_B.weight F32 2304x8
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from publisher.checks.observe.jsons import AdapterConfig, ModelConfig
from publisher.checks.observe.lora import LoraModule, lora_modules, target_names, why_not_lora
from publisher.checks.observe.shapes import BaseSizes, Sizes, configured_sizes, decoder_modules
from publisher.checks.observe.tensors import AdapterTensors
from publisher.checks.quoting import quote
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity

_KEY = "base_model_name_or_path"


@rule(Severity.ERROR)
def base_shape(
    adapter: AdapterConfig, tensors: AdapterTensors, base: BaseSizes | None, config: ModelConfig | None
) -> Iterator[Fault]:
    """Compare with the base's known shape, or with a config.json beside the adapter: the first thing that differs."""
    sizes = base.sizes if base is not None else None if config is None else configured_sizes(config)
    if sizes is None or why_not_lora(adapter) is not None:
        return
    modules = {module.name: module for module in lora_modules(tensors)}
    why = _wrong_size(modules, sizes) or _wrong_layers(modules, sizes, adapter)
    if why is not None:
        yield Fault(why, adapter.path, adapter.line(_KEY), hint="name the base that it was trained on")


def _wrong_size(modules: Mapping[str, LoraModule], sizes: Sizes) -> str | None:
    for name, _, projection in decoder_modules(iter(modules)):
        out, width = sizes.of(projection)
        for part, axis, expected in (("A", 1, width), ("B", 0, out)):
            tensor = modules[name].parts.get(part)
            if tensor is None or expected is None or len(tensor.shape) != 2:
                continue
            if tensor.shape[axis] != expected:
                what = "inputs" if part == "A" else "outputs"
                return (
                    f"{quote(name)} has {tensor.shape[axis]:,} {what} in the adapter,"
                    f" {expected:,} in {sizes.source}"
                )
    return None


def _wrong_layers(modules: Mapping[str, LoraModule], sizes: Sizes, adapter: AdapterConfig) -> str | None:
    """A layer too many; or too few, where the configuration asks for all of them."""
    layers = {layer for _, layer, _ in decoder_modules(iter(modules))}
    if sizes.layers is None or not layers:
        return None
    if max(layers) >= sizes.layers:
        return f"the adapter has tensors of layer {max(layers)}, {sizes.source} has {sizes.layers} layers"
    names = target_names(adapter)
    some = ("layers_to_transform", "layers_pattern", "exclude_modules")
    all_meant = names is not None and not any("." in name for name in names)
    all_meant = all_meant and not any(adapter.data.get(key) is not None for key in some)
    if all_meant and len(layers) < sizes.layers:
        return f"the adapter has {len(layers)} of the {sizes.layers} layers of {sizes.source}, all were asked for"
    return None
