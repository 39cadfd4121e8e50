"""WGT048 quantization-differs: config.json and the tensors disagree on whether the weights are quantized.

Why   loaders unpack what config.json calls quantized, and take everything else as it is: both ways the model is
      garbage, or does not load.
Fix   delete `quantization_config` from a merged model, or ship the configuration that the weights were saved with.

Bad
    config.json:
        {
          "architectures": ["LlamaForCausalLM"],
          "quantization_config": {"quant_method": "bitsandbytes", "load_in_4bit": true} ←
        }
    model.safetensors (safetensors):
        model.layers.0.mlp.up_proj.weight BF16 8x8
Bad
    config.json: ←
        {"architectures": ["LlamaForCausalLM"]}
    model.safetensors (safetensors):
        model.layers.0.mlp.up_proj.weight U8 32x1
        model.layers.0.mlp.up_proj.weight.absmax F32 1
        model.layers.0.mlp.up_proj.weight.quant_map F32 16
Good
    config.json:
        {"quantization_config": {"quant_method": "bitsandbytes", "load_in_4bit": true}}
    model.safetensors (safetensors):
        model.layers.0.mlp.up_proj.weight U8 32x1
        model.layers.0.mlp.up_proj.weight.absmax F32 1
"""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.observe.files import RepoKind
from publisher.checks.observe.jsons import ModelConfig
from publisher.checks.observe.tensors import Headers
from publisher.checks.rule import Fault, Skip, rule
from publisher.records.findings import Severity

_FLOATS = frozenset(("F64", "F32", "F16", "BF16"))
_PACKED = frozenset(("bitsandbytes", "gptq", "awq"))  # methods whose weights are never floating-point
_MARKS = (".absmax", ".quant_map")  # bitsandbytes; old GPTQ repos keep their configuration in another file


@rule(Severity.ERROR)
def quantization_differs(config: ModelConfig, headers: Headers, kind: RepoKind) -> Iterator[Fault | Skip]:
    """Report a configuration without packed tensors, and packed tensors without a configuration."""
    if kind is not RepoKind.MODEL:
        return
    if any(header.faults or header.pointer for header in headers.files):
        yield Skip("not all safetensors headers can be read")
        return
    said = config.data.get("quantization_config")
    method = said.get("quant_method") if isinstance(said, dict) else None
    tensors = {
        name: t for header in headers.files if "/" not in header.path for name, t in header.tensors.items()
    }
    marked = next((name for name in tensors if name.endswith(_MARKS) or ".quant_state." in name), None)
    if method in _PACKED and tensors and all(tensor.dtype in _FLOATS for tensor in tensors.values()):
        yield Fault(
            f"quantization_config says {method}, and every tensor is floating-point",
            config.path,
            config.line("quantization_config"),
            hint="delete quantization_config",
        )
    elif marked is not None and said is None and "compression_config" not in config.data:
        yield Fault(
            f"the weights are quantized ({marked}), and config.json has no quantization_config",
            config.path,
            hint="ship the quantization_config that they were saved with",
        )
