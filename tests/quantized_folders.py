"""A model of a few kilobytes, and the same model as other programs would have quantized it: by layout, not by value."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

WIDTH, LAYERS, WORDS = 16, 1, 8
CONFIG = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_size": WIDTH,
    "intermediate_size": WIDTH,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
    "vocab_size": WORDS,
    "tie_word_embeddings": True,
    "max_position_embeddings": 64,
    "torch_dtype": "float16",
    "bos_token_id": 0,
    "eos_token_id": 1,
}
LINEAR = [f"self_attn.{name}_proj" for name in "qkvo"] + [
    f"mlp.{name}_proj" for name in ("gate", "up", "down")
]
WHOLE = ("input_layernorm", "post_attention_layernorm")
AWQ = {"quant_method": "awq", "version": "gemm", "bits": 4, "group_size": WIDTH, "zero_point": True}
BYTES = {"F16": 2, "I32": 4, "U32": 4, "F8_E4M3": 1, "I16": 2}

Shapes = dict[str, tuple[str, tuple[int, ...]]]


def write_source(folder: Path, **config: Any) -> Path:
    """The model in 16 bits."""
    linear = {f"{name}.weight": ("F16", (WIDTH, WIDTH)) for name in LINEAR}
    return _write(folder, linear, CONFIG | config)


def write_awq(folder: Path, **config: Any) -> Path:
    """As AutoAWQ and gptqmodel lay it out: eight weights in an int32, scales and zeros a group."""
    return _write(folder, _packed(), CONFIG | {"quantization_config": AWQ} | config)


def write_quantized(folder: Path, said: Mapping[str, Any], **config: Any) -> Path:
    """The layout of AWQ under another program's configuration: what is read of both is the same."""
    return _write(folder, _packed(), CONFIG | {"quantization_config": dict(said)} | config)


def write_mlx(folder: Path) -> Path:
    """As mlx-lm lays it out: its name in the weights' metadata, and no method in the configuration."""
    said = {"group_size": WIDTH, "bits": 4}
    shapes: Shapes = {}
    for name in LINEAR:
        shapes |= {f"{name}.weight": ("U32", (WIDTH, WIDTH // 8)), f"{name}.scales": ("F16", (WIDTH, 1))}
    config = CONFIG | {"quantization": said, "quantization_config": said}
    return _write(folder, shapes, config, metadata={"format": "mlx"})


def _packed() -> Shapes:
    shapes: Shapes = {}
    for name in LINEAR:
        shapes |= {
            f"{name}.qweight": ("I32", (WIDTH, WIDTH // 8)),
            f"{name}.qzeros": ("I32", (1, WIDTH // 8)),
            f"{name}.scales": ("F16", (1, WIDTH)),
        }
    return shapes


def _write(folder: Path, linear: Shapes, config: Mapping[str, Any], **how: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    shapes: Shapes = {
        "model.embed_tokens.weight": ("F16", (WORDS, WIDTH)),
        "model.norm.weight": ("F16", (WIDTH,)),
    }
    for layer in range(LAYERS):
        at = f"model.layers.{layer}."
        shapes |= {f"{at}{name}.weight": ("F16", (WIDTH,)) for name in WHOLE}
        shapes |= {f"{at}{name}": shape for name, shape in linear.items()}
    write_tensors(folder / "model.safetensors", shapes, **how)
    vocabulary = {word: number for number, word in enumerate("abcdefgh")}
    tokenizer = {"version": "1.0", "model": {"type": "WordLevel", "vocab": vocabulary, "unk_token": "a"}}
    (folder / "config.json").write_text(json.dumps(config, indent=2))
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
    (folder / "tokenizer_config.json").write_text('{"tokenizer_class": "PreTrainedTokenizerFast"}')
    (folder / "chat_template.jinja").write_text(
        "{% for message in messages %}{{ message.content }}{% endfor %}"
    )
    return folder


def write_tensors(file: Path, shapes: Shapes, *, metadata: Mapping[str, str] | None = None) -> None:
    """A safetensors file whose bytes are all one."""
    header: dict[str, Any] = {"__metadata__": dict(metadata or {"format": "pt"})}
    end = 0
    for name, (dtype, shape) in sorted(shapes.items()):
        size = BYTES[dtype] * math.prod(shape)
        header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [end, end + size]}
        end += size
    raw = json.dumps(header).encode()
    raw += b" " * (-len(raw) % 8)
    file.write_bytes(len(raw).to_bytes(8, "little") + raw + b"\x01" * end)


def write_fp8(model: Path, folder: Path, *, block: int = 32) -> Path:
    """Weights of a real model in FP8, in DeepSeek's layout: 8-bit linear layers, a scale for each square of weights.

    transformers reads it without a further package, and on a CPU unpacks it.
    """
    import torch
    from safetensors.torch import load_file, save_file

    largest = torch.finfo(torch.float8_e4m3fn).max
    folder.mkdir(parents=True)
    packed: dict[str, torch.Tensor] = {}
    for name, weight in load_file(model / "model.safetensors").items():
        if not name.endswith("_proj.weight"):
            packed[name] = weight
            continue
        rows, columns = weight.shape[0] // block, weight.shape[1] // block
        squares = weight.float().reshape(rows, block, columns, block)
        scales = squares.abs().amax(dim=(1, 3), keepdim=True) / largest
        packed[name] = (squares / scales).reshape(weight.shape).to(torch.float8_e4m3fn)
        packed[f"{name}_scale_inv"] = scales.reshape(rows, columns)
    save_file(packed, folder / "model.safetensors", metadata={"format": "pt"})
    said = {"quant_method": "fp8", "weight_block_size": [block, block], "activation_scheme": "dynamic"}
    config = json.loads((model / "config.json").read_text()) | {"quantization_config": said}
    (folder / "config.json").write_text(json.dumps(config, indent=2))
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja", "generation_config.json"):
        shutil.copyfile(model / name, folder / name)
    return folder
