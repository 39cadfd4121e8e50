"""WGT046 dtype-differs: config.json names another type than most of the weights have.

Why   with `dtype="auto"` the model is converted on loading: twice the memory, or half of the precision.
Fix   write the type that the hint names.

Bad
    config.json:
        {
          "architectures": ["LlamaForCausalLM"],
          "dtype": "bfloat16" ←
        }
    model.safetensors (safetensors):
        weight F32 8x8
Good
    config.json:
        {"architectures": ["LlamaForCausalLM"], "torch_dtype": "float32"}
    model.safetensors (safetensors):
        weight F32 8x8
        router BF16 2x2
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from publisher.checks.mending import write_value
from publisher.checks.observe.files import RepoKind
from publisher.checks.observe.jsons import ModelConfig
from publisher.checks.observe.tensors import Headers
from publisher.checks.quoting import quote
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity
from publisher.weights.header import TORCH_NAMES

_FLOATS = frozenset(("F64", "F32", "F16", "BF16"))


@rule(Severity.WARNING, fixable=True)
def dtype_differs(config: ModelConfig, headers: Headers, kind: RepoKind) -> Iterator[Fault]:
    """Compare by bytes, floating-point tensors of the root's files only; quantized repos are left out."""
    key = "dtype" if "dtype" in config.data else "torch_dtype"
    said = config.data.get(key)
    if kind is not RepoKind.MODEL or not isinstance(said, str) or "quantization_config" in config.data:
        return
    sizes: Counter[str] = Counter()
    for header in headers.files:
        if "/" in header.path or header.faults or header.pointer:
            continue
        for tensor in header.tensors.values():
            sizes[tensor.dtype] += tensor.end - tensor.start
    if not sizes or not set(sizes) <= _FLOATS:  # packed weights say nothing of the type that they unpack to
        return
    most = TORCH_NAMES[sizes.most_common(1)[0][0]]
    if said.removeprefix("torch.") != most:
        share = sizes.most_common(1)[0][1] / sizes.total()
        yield Fault(
            f"{key} is {quote(said)}, {share:.0%} of the weights are {most}",
            config.path,
            config.line(key),
            hint=f'"{key}": "{most}"',
            edit=write_value(config, key, most) if share == 1 else None,
        )
