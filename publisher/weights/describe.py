"""What a model folder says about itself: config.json and safetensors headers → measurements. Loads nothing."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

from publisher.errors import HubpubError
from publisher.records.facts import Json, Measurement
from publisher.weights.header import TensorEntry
from publisher.weights.outline import outline
from publisher.weights.shards import ShardSet, read_shards

Config = dict[str, Any]

# Facts that a language model's configuration answers, by the key it has there.
_FROM_CONFIG = {
    "layers": "num_hidden_layers",
    "hidden_size": "hidden_size",
    "intermediate_size": "intermediate_size",
    "heads": "num_attention_heads",
    "kv_heads": "num_key_value_heads",
    "vocab_size": "vocab_size",
    "context_length": "max_position_embeddings",
}


def describe_model(folder: Path, prefix: str) -> tuple[Measurement, ...]:
    """Measure a model by its files.

    Args:
        folder: with config.json and safetensors weights.
        prefix: of the ids: `base` gives `base.parameters`.

    Returns:
        Architecture, sizes, type and counts. What a configuration leaves to its architecture's defaults is
        unknown, never guessed. `size_bytes` is that of the weight files.

    Raises:
        HubpubError: HP-B04 no model there; HP-W01, HP-W02, HP-W03 for its weights.
    """
    config, shards = read_config(folder), read_shards(folder)
    values = configured(config) | {
        "parameters": count_parameters(config, shards),
        "dtype": main_dtype(shards),
        "tied_embeddings": tied_embeddings(config, shards),
        "size_bytes": shards.size_bytes,
        "chat_template": has_chat_template(folder),
        "outline": outline(
            (name, tensor.shape, tensor.elements) for name, tensor in _counted(config, shards)
        ),
    }
    units = {"size_bytes": "bytes", "context_length": "tokens"}
    return tuple(
        Measurement(f"{prefix}.{fact}", value, units.get(fact), "unknown" if value is None else "known")
        for fact, value in sorted(values.items())
    )


def configured(config: Config) -> dict[str, Json]:
    """What config.json alone tells, by the end of the fact's id; None for what it leaves open."""
    language = language_config(config)
    return {
        "architecture": next(iter(config.get("architectures") or []), None),
        "model_type": config.get("model_type"),
    } | {fact: language.get(key) for fact, key in _FROM_CONFIG.items()}


def read_config(folder: Path) -> Config:
    """Read a model's config.json.

    Raises:
        HubpubError: HP-B04, there is none or it is not JSON.
    """
    file = folder / "config.json"
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise HubpubError(
            "HP-B04",
            f"{folder} has no config.json that can be read",
            hint="name a folder that a model was saved to, with config.json and safetensors files",
            where=str(file),
        ) from error
    return dict(content)


def language_config(config: Config) -> Config:
    """The part of a configuration that is about text: `text_config` of a multimodal model, else all of it."""
    nested = config.get("text_config")
    return nested if isinstance(nested, dict) else config


def tied_embeddings(config: Config, shards: ShardSet) -> bool:
    """Whether output and input embeddings are one tensor: as configured, else by whether a head is stored."""
    for part in (config, language_config(config)):
        if isinstance(part.get("tie_word_embeddings"), bool):
            return bool(part["tie_word_embeddings"])
    return not any(is_head(name) for name in shards.tensors)


def count_parameters(config: Config, shards: ShardSet) -> int:
    """Number of stored weights; a head that is tied to the embedding and stored all the same counts once."""
    return sum(tensor.elements for _, tensor in _counted(config, shards))


def _counted(config: Config, shards: ShardSet) -> list[tuple[str, TensorEntry]]:
    tied = tied_embeddings(config, shards)
    return [(name, tensor) for name, tensor in shards.tensors.items() if not (tied and is_head(name))]


def main_dtype(shards: ShardSet) -> str | None:
    """The type that most weights have, as torch names it; None for a model without tensors."""
    elements: Counter[str] = Counter()
    for tensor in shards.tensors.values():
        elements[tensor.torch_dtype] += tensor.elements
    return elements.most_common(1)[0][0] if elements else None


def has_chat_template(folder: Path) -> bool:
    """Whether the tokenizer knows how a conversation is written."""
    if (folder / "chat_template.jinja").is_file() or (folder / "chat_template.json").is_file():
        return True
    try:
        content = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return bool(content.get("chat_template"))


def is_head(tensor: str) -> bool:
    """Whether a tensor is the output head of a language model."""
    return tensor == "lm_head.weight" or tensor.endswith(".lm_head.weight")


def is_embedding(tensor: str) -> bool:
    """Whether a tensor is the input embedding of a language model."""
    return tensor == "embed_tokens.weight" or tensor.endswith(".embed_tokens.weight")
