"""LoRA tensors by module, and which of them a PEFT configuration speaks of."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from publisher.checks.observe.jsons import AdapterConfig
from publisher.checks.observe.tensors import AdapterTensors, Tensor

_PREFIX = "base_model.model."
_PLAIN_NAME = re.compile(r"[\w.]+")

# What a pattern means is what Python's re makes of it; a stranger's pattern is not run.
PATTERN_REASON = "target_modules is a pattern or a keyword, not a list of names"


@dataclass(frozen=True)
class LoraModule:
    """The tensors that PEFT adds to one module: `A` and `B`, or `embedding_A` and `embedding_B`."""

    name: str  # as in the base model, without PEFT's prefix
    parts: Mapping[str, Tensor]


def lora_modules(tensors: AdapterTensors) -> tuple[LoraModule, ...]:
    """All adapted modules, sorted by name. Biases and DoRA's magnitudes have no rank and are left out."""
    found: dict[str, dict[str, Tensor]] = defaultdict(dict)
    for key, tensor in tensors.header.tensors.items():
        module, mark, part = key.rpartition(".lora_")
        kind = part.partition(".")[0]
        if mark and kind in ("A", "B", "embedding_A", "embedding_B") and not part.endswith(".bias"):
            found[module.removeprefix(_PREFIX)][kind] = tensor
    return tuple(LoraModule(name, found[name]) for name in sorted(found))


def why_not_lora(config: AdapterConfig) -> str | None:
    """Why rules on LoRA tensors have nothing to say about this configuration; None where they have."""
    kind = config.data.get("peft_type")
    if kind != "LORA":
        return f"peft_type is {kind}, not LORA"
    if config.data.get("target_parameters"):
        return "target_parameters: tensors of parameters are stacked, which is not read here"
    return None


def target_names(config: AdapterConfig) -> tuple[str, ...] | None:
    """The target modules' names; None where they are a pattern, a keyword such as all-linear, or not given."""
    targets = config.data.get("target_modules")
    if not isinstance(targets, list) or not all(isinstance(target, str) for target in targets):
        return None
    return tuple(targets)


def is_named(module: str, name: str) -> bool:
    """Whether a module is meant by a target's name: the whole of it, or its end after a dot (as PEFT does)."""
    return module == name or module.endswith(f".{name}")


def rank_of(module: str, config: AdapterConfig) -> int | None:
    """The rank that the configuration gives a module; None where it cannot be told without running a pattern."""
    pattern = config.data.get("rank_pattern")
    for name, rank in (pattern if isinstance(pattern, dict) else {}).items():
        if not _PLAIN_NAME.fullmatch(name):
            return None
        if is_named(module, name):
            return rank if type(rank) is int else None
    rank = config.data.get("r")
    return rank if type(rank) is int else None
