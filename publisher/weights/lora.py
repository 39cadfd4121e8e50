"""LoRA adapter folders, read: configuration, pairs of matrices, and what in them is more than plain LoRA."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from publisher.errors import HubpubError
from publisher.weights.header import Header, TensorEntry, read_header
from publisher.weights.shards import refuse_pickles

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
_KEY = re.compile(r"base_model\.model\.(?P<module>.+)\.lora_(?P<side>[AB]|magnitude_vector)(?:\.weight)?")
_SAVED = re.compile(r"base_model\.model\.(?P<tensor>.+)")

# Configuration fields whose mere presence makes the update something else than W + s * B A.
_UNSUPPORTED = (
    "use_qalora",
    "use_bdlora",
    "lora_bias",
    "trainable_token_indices",
    "target_parameters",
    "layer_replication",
    "fan_in_fan_out",
    "alora_invocation_tokens",
    "megatron_config",
    "arrow_config",
    "kasa_config",
    "monteclora_config",
    "velora_config",
)
# Initialisations that change the base as well: such an adapter is no difference to the base as published.
_MOVES_BASE = ("pissa", "olora", "corda", "loftq", "lora_ga")


@dataclass(frozen=True)
class LoraPair:
    """The two matrices of one adapted module: A (r, in) and B (out, r), and the factor of their product.

    `magnitude` (out,) is DoRA's: the length that each row of the sum is given.
    """

    module: str
    down: TensorEntry
    up: TensorEntry
    rank: int
    scale: float
    magnitude: TensorEntry | None = None

    @property
    def tensors(self) -> tuple[TensorEntry, ...]:
        """All tensors that it is made of."""
        return (self.down, self.up) if self.magnitude is None else (self.down, self.up, self.magnitude)


@dataclass(frozen=True)
class Adapter:
    """An adapter folder, read.

    `saved` are whole tensors that take the place of the base's (peft's `modules_to_save`), by the name that they have
    in the model. `strays` are tensors that are neither those nor part of a complete pair.
    """

    folder: Path
    config: Mapping[str, Any]
    header: Header
    pairs: tuple[LoraPair, ...]
    strays: tuple[str, ...]
    saved: Mapping[str, TensorEntry] = field(default_factory=dict)

    @property
    def target_modules(self) -> tuple[str, ...]:
        """Names of the targets, sorted; a regular expression stands for itself."""
        targets = self.config.get("target_modules") or ()
        return (targets,) if isinstance(targets, str) else tuple(sorted(targets))


def read_adapter(folder: Path) -> Adapter:
    """Read an adapter's configuration and header.

    Raises:
        HubpubError: HP-A06, it is no LoRA adapter or its rank is no number; HP-A07, a file is missing or no
            JSON; HP-W01, damaged; HP-W03, pickled.
    """
    if not (folder / WEIGHTS).is_file():
        refuse_pickles(folder)
    if missing := [name for name in (CONFIG, WEIGHTS) if not (folder / name).is_file()]:
        raise _incomplete(folder, f"{' and '.join(missing)} missing", files=missing)
    try:
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    except ValueError as error:
        raise _incomplete(folder, f"{CONFIG} is not JSON") from error
    if not isinstance(config, dict) or config.get("peft_type") != "LORA":
        raise unsupported(folder, "only LoRA adapters can be released", feature="peft_type")
    if not all(isinstance(config.get(key), int) and config[key] > 0 for key in ("r", "lora_alpha")):
        raise unsupported(folder, "r and lora_alpha must be positive whole numbers", feature="r")
    header = read_header(folder / WEIGHTS)
    halves: dict[str, dict[str, TensorEntry]] = {}
    for name, tensor in header.tensors.items():
        if match := _KEY.fullmatch(name):
            halves.setdefault(match["module"], {})[match["side"]] = tensor
    wanted = {"A", "B"} | ({"magnitude_vector"} if config.get("use_dora") else set())
    pairs = tuple(
        LoraPair(module, half["A"], half["B"], *_rank_and_scale(module, config), half.get("magnitude_vector"))
        for module, half in sorted(halves.items())
        if wanted <= set(half)
    )
    paired = {tensor.name for pair in pairs for tensor in pair.tensors}
    saved = _saved(header, config)
    known = paired | {tensor.name for tensor in saved.values()}
    return Adapter(folder, config, header, pairs, tuple(sorted(set(header.tensors) - known)), saved)


def refuse_unsupported(adapter: Adapter) -> None:
    """Refuse what is more than W + s * B A, by the name that the configuration has for it.

    Raises:
        HubpubError: HP-A06.
    """
    config = adapter.config
    features = [name for name in _UNSUPPORTED if config.get(name)]
    if config.get("bias", "none") != "none":
        features.append("bias")
    start = config.get("init_lora_weights")
    if isinstance(start, str) and start.lower().startswith(_MOVES_BASE):
        features.append(f"init_lora_weights: {start}")
    if embedding := [name for name in adapter.strays if "lora_embedding" in name]:
        features.append(f"an adapted embedding ({embedding[0]})")
    if features:
        raise unsupported(
            adapter.folder,
            f"the adapter uses {', '.join(features)}, which cannot be merged here",
            features=features,
        )


def _saved(header: Header, config: Mapping[str, Any]) -> dict[str, TensorEntry]:
    """Tensors of the modules that were trained whole, by their name in the model."""
    modules = tuple(config.get("modules_to_save") or ())
    found = {}
    for name, tensor in header.tensors.items():
        match = _SAVED.fullmatch(name)
        # As peft matches them: `norm` means every module whose name ends so.
        if match and ".lora_" not in name and match["tensor"].rpartition(".")[0].endswith(modules):
            found[match["tensor"]] = tensor
    return found


def _rank_and_scale(module: str, config: Mapping[str, Any]) -> tuple[int, float]:
    rank = int(_by_pattern(module, config.get("rank_pattern"), config["r"]))
    alpha = float(_by_pattern(module, config.get("alpha_pattern"), config["lora_alpha"]))
    # Kalajdzievski 2023, "A Rank Stabilization Scaling Factor": alpha / sqrt(r)
    return rank, alpha / (rank**0.5 if config.get("use_rslora") else rank)


def _by_pattern(module: str, pattern: Mapping[str, Any] | None, default: Any) -> Any:
    """The first entry whose key is the end of the module's name, or matches it as peft does."""
    for key, value in (pattern or {}).items():
        if re.match(rf"(.*\.)?({key})$", module):
            return value
    return default


def misfit(code: str, adapter: Adapter, what: str, **data: Any) -> HubpubError:
    """An adapter that does not fit its base, or is no whole one: HP-A01, HP-A02, HP-A03 or HP-A05."""
    base = adapter.config.get("base_model_name_or_path")
    made_for = f"; it says that it was made for {base}" if base else ""
    return HubpubError(
        code,
        what,
        hint=f"name the base that this adapter was trained on, or its complete folder{made_for}",
        where=str(adapter.folder / WEIGHTS),
        **data,
    )


def unsupported(folder: Path, what: str, **data: Any) -> HubpubError:
    """HP-A06, an adapter that is more than W + s * B A on linear layers."""
    return HubpubError(
        "HP-A06",
        what,
        hint="train with plain LoRA on linear layers, or release the adapter without a merged artifact",
        where=str(folder / CONFIG),
        **data,
    )


def _incomplete(folder: Path, what: str, **data: Any) -> HubpubError:
    return HubpubError(
        "HP-A07",
        f"the adapter folder is incomplete: {what}",
        hint=f"copy the whole folder: {CONFIG} and {WEIGHTS}",
        where=str(folder),
        **data,
    )
