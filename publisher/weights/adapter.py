"""LoRA adapters by their files: what is in one, and whether it fits a base. Never loads a model.

peft loads an adapter that fits nowhere with a warning, and the merge then changes nothing. Here that is an error.
"""

from __future__ import annotations

import fnmatch
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from publisher.errors import HubpubError
from publisher.records.facts import Json, Measurement
from publisher.weights.arrays import all_finite, read_floats
from publisher.weights.header import Header, TensorEntry, read_header
from publisher.weights.shards import ShardSet, read_shards, refuse_pickles

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
_KEY = re.compile(r"base_model\.model\.(?P<module>.+)\.lora_(?P<side>[AB])\.weight")

# A checkpoint's tensor names and its modules' names differ where transformers renamed modules between versions.
_RENAMES = (
    ("model.language_model.", "language_model.model."),
    ("language_model.model.", "model.language_model."),
    ("model.", "language_model.model."),
    ("model.", "model.language_model."),
    ("language_model.model.", "model."),
    ("model.vision_tower.", "vision_tower.vision_model."),
    ("model.vision_tower.", "vision_tower."),
)

# Configuration fields whose mere presence makes the update something else than W + s * B A.
_UNSUPPORTED = (
    "use_dora",
    "use_qalora",
    "use_bdlora",
    "lora_bias",
    "modules_to_save",
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
    """The two matrices of one adapted module: A (r, in) and B (out, r), and the factor of their product."""

    module: str
    down: TensorEntry
    up: TensorEntry
    rank: int
    scale: float


@dataclass(frozen=True)
class Adapter:
    """An adapter folder, read. `strays` are tensors that are no half of a complete pair."""

    folder: Path
    config: Mapping[str, Any]
    header: Header
    pairs: tuple[LoraPair, ...]
    strays: tuple[str, ...]

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
        raise _unsupported(folder, "only LoRA adapters can be released", feature="peft_type")
    if not all(isinstance(config.get(key), int) and config[key] > 0 for key in ("r", "lora_alpha")):
        raise _unsupported(folder, "r and lora_alpha must be positive whole numbers", feature="r")
    header = read_header(folder / WEIGHTS)
    halves: dict[str, dict[str, TensorEntry]] = {}
    for name, tensor in header.tensors.items():
        if match := _KEY.fullmatch(name):
            halves.setdefault(match["module"], {})[match["side"]] = tensor
    pairs = tuple(
        LoraPair(module, half["A"], half["B"], *_rank_and_scale(module, config))
        for module, half in sorted(halves.items())
        if len(half) == 2
    )
    paired = {tensor.name for pair in pairs for tensor in (pair.down, pair.up)}
    strays = tuple(sorted(set(header.tensors) - paired))
    return Adapter(folder, config, header, pairs, strays)


def describe_adapter(folder: Path) -> tuple[Measurement, ...]:
    """Measure an adapter by its files: sizes, type, rank, targets. `adapter.modules` counts adapted modules.

    Raises:
        HubpubError: as `read_adapter`.
    """
    adapter = read_adapter(folder)
    tensors = adapter.header.tensors.values()
    values: dict[str, tuple[Json, str | None]] = {
        "parameters": (sum(tensor.elements for tensor in tensors), None),
        "tensors": (len(tensors), None),
        "size_bytes": (adapter.header.size_bytes, "bytes"),
        "dtype": (_one_dtype([tensor.torch_dtype for tensor in tensors]), None),
        "modules": (len(adapter.pairs), None),
        "r": (adapter.config["r"], None),
        "alpha": (adapter.config["lora_alpha"], None),
        "target_modules": (list(adapter.target_modules), None),
    }
    return tuple(Measurement(f"adapter.{name}", value, unit) for name, (value, unit) in values.items())


def check_adapter(adapter: Path, base: Path) -> None:
    """Prove that an adapter can be merged into a base, by reading both folders' files.

    Raises:
        HubpubError: HP-A06 an unsupported feature; HP-A02 another rank than configured; HP-A01 shapes or layers
            of another base; HP-A05 tensors without weight, or targets without tensor; HP-A03 NaN or infinite
            values; HP-A04 every B is zero; HP-A07 and HP-W01 … HP-W03 for the files.
    """
    read = read_adapter(adapter)
    refuse_unsupported(read)
    weights = find_weights(read, read_shards(base))
    _check_all_targets(read, read_shards(base), weights)
    _check_values(read)


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
        raise _unsupported(
            adapter.folder,
            f"the adapter uses {', '.join(features)}, which cannot be merged here",
            features=features,
        )


def find_weights(adapter: Adapter, base: ShardSet) -> dict[str, LoraPair]:
    """Find the base's weight for every pair of the adapter, and prove that it fits.

    Returns:
        Pairs by the name of the base tensor that they change.

    Raises:
        HubpubError: HP-A02, HP-A01, HP-A05 as in `check_adapter`; HP-A06 for a weight that is no full-precision
            matrix.
    """
    if adapter.strays:
        what = f"{len(adapter.strays)} tensors are half a pair or none of LoRA's, the first is {adapter.strays[0]}"
        raise _misfit("HP-A05", adapter, what, tensors=list(adapter.strays))
    if not adapter.pairs:
        raise _misfit("HP-A05", adapter, "the adapter holds no tensors")
    found: dict[str, LoraPair] = {}
    tensors = base.tensors
    for pair in adapter.pairs:
        _check_rank(adapter, pair)
        name = next((name for name in weight_names(pair.module) if name in tensors), None)
        if name is None:
            raise _homeless(adapter, pair, tensors)
        weight, (outs, ins) = tensors[name], (pair.up.shape[0], pair.down.shape[1])
        if weight.dtype not in ("BF16", "F16", "F32"):
            raise _unsupported(
                adapter.folder, f"{name} of the base has the type {weight.dtype}", features=[name]
            )
        if weight.shape != (outs, ins):
            what = f"{pair.module} is {outs} × {ins} in the adapter and {_times(weight.shape)} in the base"
            raise _misfit(
                "HP-A01", adapter, what, module=pair.module, shape=[outs, ins], base_shape=list(weight.shape)
            )
        found[name] = pair
    return found


def weight_names(module: str) -> tuple[str, ...]:
    """Names that a module's weight may have in a checkpoint, the module's own first."""
    renamed = (new + module.removeprefix(old) for old, new in _RENAMES if module.startswith(old))
    return tuple(f"{name}.weight" for name in (module, *renamed))


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


def _check_rank(adapter: Adapter, pair: LoraPair) -> None:
    if len(pair.down.shape) != 2 or len(pair.up.shape) != 2:
        raise _unsupported(adapter.folder, f"{pair.module} is no linear layer", features=[pair.module])
    ranks = (pair.down.shape[0], pair.up.shape[1])
    if ranks != (pair.rank, pair.rank):
        what = f"{pair.module} has rank {ranks[0]} in A and {ranks[1]} in B, {CONFIG} says {pair.rank}"
        raise _misfit("HP-A02", adapter, what, module=pair.module, ranks=list(ranks), configured=pair.rank)


def _check_all_targets(adapter: Adapter, base: ShardSet, found: Mapping[str, LoraPair]) -> None:
    """Every target has tensors, in every layer: a half-saved adapter must not pass for a whole one.

    Layers count as alike when their names differ in numbers only; so a vision tower that was left out on
    purpose is not missed, but layer 7 among 30 is.
    """
    modules = [pair.module for pair in adapter.pairs]
    targets = adapter.config.get("target_modules")
    if not isinstance(targets, str):
        idle = [
            name for name in targets or () if not any(f".{module}".endswith(f".{name}") for module in modules)
        ]
        if idle:
            raise _misfit(
                "HP-A05", adapter, f"no tensor for the target {', '.join(sorted(idle))}", targets=idle
            )
    if adapter.config.get("layers_to_transform") is not None or isinstance(targets, str):
        return  # some layers only, by choice
    families = {re.sub(r"\d+", "*", name) for name in found}
    alike = {name for name in base.tensors if re.sub(r"\d+", "*", name) in families}
    if missed := sorted(alike - set(found)):
        what = f"{len(missed)} weights of adapted kinds have no tensors, the first is {missed[0]}"
        raise _misfit("HP-A05", adapter, what, tensors=missed)


def _check_values(adapter: Adapter) -> None:
    trained = False
    for pair in adapter.pairs:
        for tensor in (pair.down, pair.up):
            values = read_floats(adapter.header, tensor.name)
            if not all_finite(values):
                raise _misfit(
                    "HP-A03", adapter, f"{tensor.name} holds NaN or infinite values", tensor=tensor.name
                )
            trained = trained or (tensor is pair.up and bool(values.any()))
    if not trained:
        raise HubpubError(
            "HP-A04",
            "every B matrix of the adapter is zero: it changes nothing",
            hint="train it, or name the folder of a trained adapter",
            where=str(adapter.folder / WEIGHTS),
        )


def _homeless(adapter: Adapter, pair: LoraPair, tensors: Mapping[str, TensorEntry]) -> HubpubError:
    """HP-A01 where only the layer's number is too high, as with an adapter of a bigger sibling; else HP-A05."""
    kinds = [re.sub(r"\d+", "*", name).replace("[", "[[]") for name in weight_names(pair.module)]
    other_layer = any(fnmatch.filter(tensors, kind) for kind in kinds if "*" in kind)
    code = "HP-A01" if other_layer else "HP-A05"
    why = "the base has fewer layers" if other_layer else "the base has no such weight"
    return _misfit(code, adapter, f"{pair.module} finds no weight: {why}", module=pair.module)


def _one_dtype(names: list[str]) -> str | None:
    return max(set(names), key=names.count) if names else None


def _times(shape: tuple[int, ...]) -> str:
    return " × ".join(str(size) for size in shape)


def _misfit(code: str, adapter: Adapter, what: str, **data: Any) -> HubpubError:
    base = adapter.config.get("base_model_name_or_path")
    made_for = f"; it says that it was made for {base}" if base else ""
    return HubpubError(
        code,
        what,
        hint=f"name the base that this adapter was trained on, or its complete folder{made_for}",
        where=str(adapter.folder / WEIGHTS),
        **data,
    )


def _unsupported(folder: Path, what: str, **data: Any) -> HubpubError:
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
