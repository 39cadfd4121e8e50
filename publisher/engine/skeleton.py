"""A model without its weights: which tensors it has, which of its layers bitsandbytes would quantize, where they lie."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from publisher.engine.load import NAMED_KEYS, stored_dtype
from publisher.engine.nf4 import auto_class, nf4_config
from publisher.errors import HubpubError
from publisher.weights.adapter import weight_names
from publisher.weights.describe import read_config
from publisher.weights.header import TensorEntry
from publisher.weights.shards import ShardSet


@dataclass(frozen=True)
class Skeleton:
    """What transformers makes of a configuration.

    Attributes:
        stored: the tensors of the checkpoint by the names that they have there, a tied head left out.
        quantized: names in the checkpoint of the weights that become 4 bits.
        kept: linear layers that stay as they are, by module, sorted.
        dtype: torch's name of the type that weights are loaded as.
        exact: patterns of tensors that stay float32 whatever `dtype` says.
    """

    stored: dict[str, TensorEntry]
    quantized: frozenset[str]
    kept: tuple[str, ...]
    dtype: str
    exact: tuple[str, ...]

    def target_dtype(self, name: str) -> str:
        """The type that a tensor is loaded as."""
        return "float32" if any(re.search(pattern, name) for pattern in self.exact) else self.dtype


def read_skeleton(folder: Path, shards: ShardSet) -> Skeleton:
    """Build the model on torch's meta device, which takes no memory, and let transformers mark what it quantizes.

    Which layers become NF4 depends on the model alone, not on how scales are kept or what is computed in.

    Args:
        folder: with the model's config.json.
        shards: its weights.

    Raises:
        HubpubError: HP-E03, a tensor of the model is not in the checkpoint, or the other way round.
    """
    import bitsandbytes
    import torch
    import transformers
    from transformers.quantizers.auto import AutoHfQuantizer

    dtype = stored_dtype(folder)
    config = transformers.AutoConfig.from_pretrained(folder, local_files_only=True, dtype=dtype)
    with torch.device("meta"):
        model = auto_class(read_config(folder)).from_config(config)
    linear = {name for name, module in model.named_modules() if isinstance(module, torch.nn.Linear)}
    settings = nf4_config(double_quant=True, compute_dtype="bfloat16")
    AutoHfQuantizer.from_config(settings).preprocess_model(model=model, device_map={"": "cpu"})
    marked = {
        name for name, module in model.named_modules() if isinstance(module, bitsandbytes.nn.Linear4bit)
    }
    places, missing = _places(model, shards)
    tied = set(getattr(model, "all_tied_weights_keys", None) or {})
    if missing := sorted(name for name in missing if name not in tied):
        raise _not_whole(folder, "missing", missing)
    used = set(places.values())
    ignored = tuple(getattr(model, "_keys_to_ignore_on_load_unexpected", None) or ())
    spare = [
        name
        for name in sorted(set(shards.tensors) - used)
        if not (name in tied or any(re.search(pattern, name) for pattern in ignored))
    ]
    if spare:
        raise _not_whole(folder, "unexpected", spare)
    tensors = shards.tensors
    return Skeleton(
        stored={
            places[name]: tensors[places[name]]
            for name in model.state_dict()
            if name in places and name not in tied
        },
        quantized=frozenset(places[f"{name}.weight"] for name in marked),
        kept=tuple(sorted(linear - marked)),
        dtype=str(dtype).removeprefix("torch."),
        exact=tuple(getattr(model, "_keep_in_fp32_modules_strict", None) or ()),
    )


def _places(model: Any, shards: ShardSet) -> tuple[dict[str, str], list[str]]:
    """Where each tensor of the model lies in the checkpoint; and those that lie nowhere."""
    stored, found, missing = shards.tensors, {}, []
    for name in model.state_dict():
        module, _, leaf = name.rpartition(".")
        candidates = (
            f"{candidate.removesuffix('.weight')}.{leaf}".lstrip(".") for candidate in weight_names(module)
        )
        place = next((candidate for candidate in candidates if candidate in stored), None)
        if place is None:
            missing.append(name)
        else:
            found[name] = place
    return found, missing


def _not_whole(folder: Path, how: str, names: list[str]) -> HubpubError:
    rest = f" and {len(names) - NAMED_KEYS} more" if len(names) > NAMED_KEYS else ""
    return HubpubError(
        "HP-E03",
        f"{folder.name} cannot be quantized; {len(names)} {how}: {', '.join(names[:NAMED_KEYS])}{rest}",
        hint="the weights and config.json belong to different models, or a shard is missing; make the artifact again",
        where=str(folder),
        **({"missing": [], "unexpected": [], "mismatched": []} | {how: names}),
    )
