"""WGT045 config-shape: the weights are not of the sizes that config.json says.

Why   transformers builds the model from config.json and then fails on the sizes, or fills the layers that are missing
      with random numbers.
Fix   ship the config.json that was saved with these weights.

Bad
    config.json:
        {
          "model_type": "llama",
          "num_hidden_layers": 2 ←
        }
    model.safetensors (safetensors):
        model.layers.0.self_attn.q_proj.weight F32 8x8
Bad
    config.json:
        {
          "model_type": "gemma2",
          "hidden_size": 8,
          "vocab_size": 16 ←
        }
    model.safetensors (safetensors):
        model.embed_tokens.weight F32 17x8
Bad
    config.json:
        {
          "model_type": "qwen3",
          "hidden_size": 8,
          "num_attention_heads": 4, ←
          "head_dim": 2
        }
    model.safetensors (safetensors):
        model.layers.0.self_attn.q_proj.weight F32 16x8
Good
    config.json:
        {"model_type": "llama", "num_hidden_layers": 1, "hidden_size": 8, "num_attention_heads": 2, "vocab_size": 16}
    model.safetensors (safetensors):
        model.embed_tokens.weight F32 16x8
        model.layers.0.self_attn.q_proj.weight F32 8x8
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from publisher.checks.observe.embedding import rows_in
from publisher.checks.observe.files import RepoKind
from publisher.checks.observe.jsons import ModelConfig
from publisher.checks.observe.shapes import Sizes, configured_sizes, decoder_modules
from publisher.checks.observe.tensors import Headers, Tensor
from publisher.checks.quoting import quote
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity

_WEIGHTS = re.compile(r"model(?:-\d{5}-of-(?P<count>\d{5}))?\.safetensors")
_FLOATS = frozenset(("F64", "F32", "F16", "BF16"))


@rule(Severity.ERROR)
def config_shape(config: ModelConfig, headers: Headers, kind: RepoKind) -> Iterator[Fault]:
    """Compare whole, unpacked weights of decoders that are laid out as Llama is; the first thing that differs."""
    sizes = configured_sizes(config)
    tensors = _weights(headers)
    if kind is not RepoKind.MODEL or sizes is None or not tensors:
        return
    found = _vocabulary(tensors, sizes) or _layers(tensors, sizes) or _projections(tensors, sizes)
    if found is not None:
        key, why = found
        yield Fault(why, config.path, config.line(key) or config.line("text_config"), hint="save both again")


def _weights(headers: Headers) -> dict[str, Tensor]:
    """The model's tensors by name; none where a shard is missing or damaged, or some are packed."""
    files = [(match, header) for header in headers.files if (match := _WEIGHTS.fullmatch(header.path))]
    counts = {match["count"] for match, _ in files}
    complete = len(counts) == 1 and len(files) == int(next(iter(counts)) or 1)
    if not complete or any(header.faults or header.pointer for _, header in files):
        return {}
    tensors = {name: tensor for _, header in files for name, tensor in header.tensors.items()}
    return tensors if all(tensor.dtype in _FLOATS for tensor in tensors.values()) else {}


def _vocabulary(tensors: Mapping[str, Tensor], sizes: Sizes) -> tuple[str, str] | None:
    rows = rows_in(tensors)
    if rows is None or sizes.vocabulary in (None, rows):
        return None
    return "vocab_size", f"vocab_size is {sizes.vocabulary:,}, the embedding has {rows:,} rows"


def _layers(tensors: Mapping[str, Tensor], sizes: Sizes) -> tuple[str, str] | None:
    modules = (name.removesuffix(".weight") for name in tensors)
    layers = {layer for _, layer, _ in decoder_modules(modules)}
    if sizes.layers is None or not layers or (len(layers) == sizes.layers and max(layers) < sizes.layers):
        return None
    return "num_hidden_layers", f"num_hidden_layers is {sizes.layers}, the weights have {len(layers)} layers"


def _projections(tensors: Mapping[str, Tensor], sizes: Sizes) -> tuple[str, str] | None:
    modules = (name.removesuffix(".weight") for name in tensors if name.endswith(".weight"))
    for name, _, projection in decoder_modules(modules):
        shape = tensors[f"{name}.weight"].shape
        if len(shape) != 2:
            continue
        expected = sizes.of(projection)
        wrong = [axis for axis in (0, 1) if expected[axis] is not None and shape[axis] != expected[axis]]
        if wrong:
            wanted = " x ".join("?" if size is None else f"{size:,}" for size in expected)
            has = " x ".join(f"{size:,}" for size in shape)
            return _key(projection, wrong[0]), f"{quote(name)} is {has}, config.json makes it {wanted}"
    return None


def _key(projection: str, axis: int) -> str:
    """The key that the wrong side of a projection comes from."""
    side = Sizes("", hidden=1, intermediate=2, queries=3, keys=4).of(projection)[axis] or 1
    return ("hidden_size", "intermediate_size", "num_attention_heads", "num_key_value_heads")[side - 1]
