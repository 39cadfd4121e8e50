"""Random models of any size and adapters for them, written shard by shard: for measuring, they say nothing sensible."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

SHARD_BYTES = 600_000_000
ATTENTION = ("q_proj", "k_proj", "v_proj", "o_proj")
ALL_LINEAR = (*ATTENTION, "gate_proj", "up_proj", "down_proj")


def write_llama(folder: Path, gigabytes: float, shard_bytes: int = SHARD_BYTES) -> Path:
    """Write a bfloat16 Llama of about so many gigabytes: 2048 wide, as many layers as that takes."""
    from transformers import LlamaConfig

    layer_bytes = 2 * (2 * 2048 * 2048 + 2 * 2048 * 512 + 3 * 2048 * 8192)
    vocabulary = 32_000
    layers = max(1, round((gigabytes * 1e9 - 4 * 2048 * vocabulary) / layer_bytes))
    config = LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=2048,
        intermediate_size=8192,
        num_hidden_layers=layers,
        num_attention_heads=16,
        num_key_value_heads=4,
        tie_word_embeddings=False,
        architectures=["LlamaForCausalLM"],
        dtype="bfloat16",
    )
    return _write(folder, config, "LlamaForCausalLM", {}, shard_bytes)


def write_gemma3_12b(folder: Path, shard_bytes: int = 4_900_000_000) -> Path:
    """Write a Gemma 3 of 12,187,325,040 parameters, 24.4 GB in bfloat16, from the published configuration's figures."""
    from transformers import Gemma3Config

    config = Gemma3Config(
        text_config={
            "vocab_size": 262_208,
            "hidden_size": 3840,
            "intermediate_size": 15_360,
            "num_hidden_layers": 48,
            "num_attention_heads": 16,
            "num_key_value_heads": 8,
            "head_dim": 256,
            "sliding_window": 1024,
        },
        vision_config={
            "hidden_size": 1152,
            "intermediate_size": 4304,
            "num_hidden_layers": 27,
            "num_attention_heads": 16,
            "image_size": 896,
            "vision_use_head": False,
            "patch_size": 14,
        },
        architectures=["Gemma3ForConditionalGeneration"],
        dtype="bfloat16",
    )
    # files name the parts the other way round than transformers 5 names its modules
    renames = {
        "model.language_model.": "language_model.model.",
        "model.vision_tower.": "vision_tower.",
        "model.multi_modal_projector.": "multi_modal_projector.",
    }
    return _write(folder, config, "Gemma3ForConditionalGeneration", renames, shard_bytes)


def write_adapter(folder: Path, model: Path, targets: tuple[str, ...], r: int = 64) -> Path:
    """Write a LoRA adapter for the language layers of a model that was written here."""
    import torch
    from safetensors import safe_open
    from safetensors.torch import save_file

    torch.manual_seed(1)
    tensors: dict[str, Any] = {}
    for file in sorted(model.glob("*.safetensors")):
        with safe_open(file, "pt") as shard:
            for name in shard.keys():  # noqa: SIM118  no mapping
                module = name.removesuffix(".weight")
                if "vision_tower" in name or module.rpartition(".")[2] not in targets:
                    continue
                outs, ins = shard.get_slice(name).get_shape()
                key = "base_model.model." + module.replace("language_model.model.", "model.language_model.")
                tensors[f"{key}.lora_A.weight"] = torch.randn(r, ins) / ins**0.5
                tensors[f"{key}.lora_B.weight"] = torch.randn(outs, r) * 0.02
    folder.mkdir(parents=True)
    save_file(tensors, folder / "adapter_model.safetensors", metadata={"format": "pt"})
    config = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": "acme/random",
        "r": r,
        "lora_alpha": 16,
        "target_modules": list(targets),
        "exclude_modules": ".*vision_tower.*",
        "bias": "none",
    }
    (folder / "adapter_config.json").write_text(json.dumps(config, indent=2))
    return folder


def _write(folder: Path, config: Any, kind: str, renames: Mapping[str, str], shard_bytes: int) -> Path:
    import torch
    import transformers
    from safetensors.torch import save_file

    folder.mkdir(parents=True)
    config.save_pretrained(folder)
    with torch.device("meta"):
        model = getattr(transformers, kind)(config)
    tied = set(model.all_tied_weights_keys)
    shapes = {
        _renamed(name, renames): tuple(tensor.shape)
        for name, tensor in model.state_dict().items()
        if name not in tied
    }
    shards = list(_split(shapes, shard_bytes))
    generator = torch.Generator().manual_seed(0)
    places = {}
    for number, names in enumerate(shards, start=1):
        file = f"model-{number:05}-of-{len(shards):05}.safetensors"
        tensors = {}
        for name in names:
            if len(shapes[name]) < 2:  # norms: their weights are around one, or Gemma's around zero
                tensors[name] = torch.ones(shapes[name], dtype=torch.bfloat16)
                continue
            tensor = torch.empty(shapes[name], dtype=torch.bfloat16)
            tensors[name] = tensor.normal_(std=0.02, generator=generator)
        save_file(tensors, folder / file, metadata={"format": "pt"})
        places |= dict.fromkeys(names, file)
    total = 2 * sum(torch.Size(shape).numel() for shape in shapes.values())
    index = {"metadata": {"total_size": total}, "weight_map": dict(sorted(places.items()))}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index, indent=2))
    return folder


def _split(shapes: Mapping[str, tuple[int, ...]], shard_bytes: int) -> Iterator[list[str]]:
    import math

    names: list[str] = []
    size = 0
    for name, shape in shapes.items():
        length = 2 * math.prod(shape)
        if names and size + length > shard_bytes:
            yield names
            names, size = [], 0
        names.append(name)
        size += length
    yield names


def _renamed(name: str, renames: Mapping[str, str]) -> str:
    return next((new + name.removeprefix(old) for old, new in renames.items() if name.startswith(old)), name)
