"""Adapters against their base: what is in one, and whether it fits. Reads files, never loads a model.

peft loads an adapter that fits nowhere with a warning, and the merge then changes nothing. Here that is an error.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Mapping
from pathlib import Path

from publisher.errors import HubpubError
from publisher.records.facts import Json, Measurement
from publisher.weights.describe import is_embedding, is_head
from publisher.weights.header import TensorEntry
from publisher.weights.lora import (
    CONFIG,
    WEIGHTS,
    Adapter,
    LoraPair,
    misfit,
    read_adapter,
    refuse_unsupported,
    unsupported,
)
from publisher.weights.outline import outline
from publisher.weights.shards import ShardSet, read_shards
from publisher.weights.values import all_finite, any_value

FLOATS = {"BF16", "F16", "F32"}  # what a sum is formed of; whatever else is packed or quantized

# `.*language_model\.(?:.*\.)?(?:k_proj|q_proj)`, or with more parts than one: `.*(?:language_model|vision_tower)\.…`
_PATTERN = re.compile(r"\.\*(?:\w+|\(\?:[\w|]+\))\\\.\(\?:\.\*\\\.\)\?\(\?:(?P<names>(?:\w|\\\.|\|)+)\)")

# A checkpoint's tensor names and its modules' names differ where transformers renamed modules between versions.
_RENAMES = (
    ("model.language_model.", "language_model.model."),
    ("language_model.model.", "model.language_model."),
    ("model.", "language_model.model."),
    ("model.", "model.language_model."),
    ("language_model.model.", "model."),
    ("model.language_model.", "model."),
    ("lm_head", "language_model.lm_head"),
    ("model.vision_tower.", "vision_tower.vision_model."),
    ("model.vision_tower.", "vision_tower."),
    ("model.", ""),
)


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
        "outline": (_outline(adapter), None),
    }
    return tuple(Measurement(f"adapter.{name}", value, unit) for name, (value, unit) in values.items())


def _outline(adapter: Adapter) -> Json:
    """The adapted modules by kind; `names` are those that the base may have for them."""
    rows = outline((pair.module, (), pair.down.elements + pair.up.elements) for pair in adapter.pairs)
    return [
        {
            "names": [name.removesuffix(".weight") for name in weight_names(str(row["module"]))],
            "times": row["times"],
            "parameters": row["parameters"],
        }
        for row in rows
    ]


def check_adapter(adapter: Path, base: Path) -> None:
    """Prove that an adapter can be merged into a base, by reading both folders' files.

    Raises:
        HubpubError: HP-A06 an unsupported feature; HP-A02 another rank than configured; HP-A01 shapes or layers
            of another base; HP-A05 tensors without weight, or targets without tensor; HP-A03 NaN or infinite
            values; HP-A04 every B is zero; HP-A07 and HP-W01 … HP-W03 for the files.
    """
    read = read_adapter(adapter)
    refuse_unsupported(read)
    shards = read_shards(base)
    weights = find_weights(read, shards)
    find_saved(read, shards)
    _check_all_targets(read, shards, weights)
    _check_values(read)


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
        raise misfit("HP-A05", adapter, what, tensors=list(adapter.strays))
    if not adapter.pairs:
        raise misfit("HP-A05", adapter, "the adapter holds no tensors")
    found: dict[str, LoraPair] = {}
    tensors = base.tensors
    for pair in adapter.pairs:
        _check_rank(adapter, pair)
        name = next((name for name in weight_names(pair.module) if name in tensors), None)
        if name is None:
            raise _homeless(adapter, pair, tensors)
        weight, (outs, ins) = tensors[name], (pair.up.shape[0], pair.down.shape[1])
        if weight.dtype not in FLOATS:
            raise unsupported(
                adapter.folder, f"{name} of the base has the type {weight.dtype}", features=[name]
            )
        if weight.shape != (outs, ins):
            what = f"{pair.module} is {outs} × {ins} in the adapter and {_times(weight.shape)} in the base"
            raise misfit(
                "HP-A01", adapter, what, module=pair.module, shape=[outs, ins], base_shape=list(weight.shape)
            )
        found[name] = pair
    return found


def find_saved(adapter: Adapter, base: ShardSet) -> dict[str, TensorEntry]:
    """Find the base's tensor for every tensor that the adapter brings whole.

    Returns:
        The adapter's tensors by the name of the one that they replace; a head that the base does not store, since it
        is tied to the embedding, has the name that it would have there.

    Raises:
        HubpubError: HP-A05, the base has no such tensor; HP-A01, it has another shape; HP-A06, another kind of type.
    """
    found: dict[str, TensorEntry] = {}
    tensors = base.tensors
    brought = [name.rpartition(".")[0] for name in adapter.saved]
    wanted = sorted(adapter.config.get("modules_to_save") or ())
    if absent := [module for module in wanted if not any(name.endswith(module) for name in brought)]:
        what = f"{CONFIG} says that {', '.join(absent)} was trained whole, and there is no tensor of it"
        raise misfit("HP-A05", adapter, what, modules=absent)
    for name, saved in adapter.saved.items():
        module, _, leaf = name.rpartition(".")
        candidates = [f"{each.removesuffix('.weight')}.{leaf}" for each in weight_names(module)]
        place = next((each for each in candidates if each in tensors), None)
        if place is None and is_head(name):
            embedding = next((each for each in tensors if is_embedding(each)), None)
            if embedding is not None:
                prefix = embedding.removesuffix("embed_tokens.weight").removesuffix("model.")
                found[f"{prefix}lm_head.weight"] = saved
                continue
        if place is None:
            what = f"{name} was trained whole, and the base has no such tensor"
            raise misfit("HP-A05", adapter, what, module=module)
        if tensors[place].shape != saved.shape:
            what = f"{name} is {_times(saved.shape)} in the adapter and {_times(tensors[place].shape)} in the base"
            raise misfit(
                "HP-A01",
                adapter,
                what,
                module=module,
                shape=list(saved.shape),
                base_shape=list(tensors[place].shape),
            )
        if strange := {saved.dtype, tensors[place].dtype} - FLOATS:
            raise unsupported(
                adapter.folder, f"{name} has the type {', '.join(sorted(strange))}", features=[name]
            )
        found[place] = saved
    return found


def names_in(pattern: str) -> tuple[str, ...] | None:
    """The modules' names in a pattern of `target_modules` as training writes it here: every layer of these names in a part
    of the model. None for any other pattern: a stranger's is not run.
    """
    ours = _PATTERN.fullmatch(pattern)
    return tuple(ours["names"].replace("\\", "").split("|")) if ours else None


def weight_names(module: str) -> tuple[str, ...]:
    """Names that a module's weight may have in a checkpoint, the module's own first."""
    renamed = (new + module.removeprefix(old) for old, new in _RENAMES if module.startswith(old))
    return tuple(f"{name}.weight" for name in (module, *renamed))


def _check_rank(adapter: Adapter, pair: LoraPair) -> None:
    if len(pair.down.shape) != 2 or len(pair.up.shape) != 2:
        raise unsupported(adapter.folder, f"{pair.module} is no linear layer", features=[pair.module])
    if strange := {tensor.dtype for tensor in pair.tensors} - FLOATS:
        raise unsupported(
            adapter.folder, f"{pair.module} has the type {', '.join(strange)}", features=[pair.module]
        )
    if pair.magnitude is not None and pair.magnitude.elements != pair.up.shape[0]:
        what = f"{pair.module} has {pair.magnitude.elements} magnitudes for {pair.up.shape[0]} rows"
        raise misfit("HP-A01", adapter, what, module=pair.module)
    ranks = (pair.down.shape[0], pair.up.shape[1])
    if ranks != (pair.rank, pair.rank):
        what = f"{pair.module} has rank {ranks[0]} in A and {ranks[1]} in B, {CONFIG} says {pair.rank}"
        raise misfit("HP-A02", adapter, what, module=pair.module, ranks=list(ranks), configured=pair.rank)


def _check_all_targets(adapter: Adapter, base: ShardSet, found: Mapping[str, LoraPair]) -> None:
    """Every target has tensors, in every layer: a half-saved adapter must not pass for a whole one.

    Layers count as alike when their names differ in numbers only; so a vision tower that was left out on
    purpose is not missed, but layer 7 among 30 is.
    """
    modules = [pair.module for pair in adapter.pairs]
    targets = adapter.config.get("target_modules")
    if isinstance(targets, str):
        targets = names_in(targets)
        if targets is None:
            return  # some layers only, by choice
    idle = [
        name for name in targets or () if not any(f".{module}".endswith(f".{name}") for module in modules)
    ]
    if idle:
        raise misfit("HP-A05", adapter, f"no tensor for the target {', '.join(sorted(idle))}", targets=idle)
    if adapter.config.get("layers_to_transform") is not None:
        return  # some layers only, by choice
    families = {re.sub(r"\d+", "*", name) for name in found}
    alike = {name for name in base.tensors if re.sub(r"\d+", "*", name) in families}
    if missed := sorted(alike - set(found)):
        what = f"{len(missed)} weights of adapted kinds have no tensors, the first is {missed[0]}"
        raise misfit("HP-A05", adapter, what, tensors=missed)


def _check_values(adapter: Adapter) -> None:
    trained = False
    for pair in adapter.pairs:
        for tensor in pair.tensors:
            _check_finite(adapter, tensor)
            trained = trained or (tensor is pair.up and any_value(adapter.header, tensor.name))
    for tensor in adapter.saved.values():
        _check_finite(adapter, tensor)
    if not (trained or adapter.saved):
        raise HubpubError(
            "HP-A04",
            "every B matrix of the adapter is zero: it changes nothing",
            hint="train it, or name the folder of a trained adapter",
            where=str(adapter.folder / WEIGHTS),
        )


def _check_finite(adapter: Adapter, tensor: TensorEntry) -> None:
    if not all_finite(adapter.header, tensor.name):
        raise misfit("HP-A03", adapter, f"{tensor.name} holds NaN or infinite values", tensor=tensor.name)


def _homeless(adapter: Adapter, pair: LoraPair, tensors: Mapping[str, TensorEntry]) -> HubpubError:
    """HP-A01 where only the layer's number is too high, as with an adapter of a bigger sibling; else HP-A05."""
    kinds = [re.sub(r"\d+", "*", name).replace("[", "[[]") for name in weight_names(pair.module)]
    other_layer = any(fnmatch.filter(tensors, kind) for kind in kinds if "*" in kind)
    code = "HP-A01" if other_layer else "HP-A05"
    why = "the base has fewer layers" if other_layer else "the base has no such weight"
    return misfit(code, adapter, f"{pair.module} finds no weight: {why}", module=pair.module)


def _one_dtype(names: list[str]) -> str | None:
    return max(set(names), key=names.count) if names else None


def _times(shape: tuple[int, ...]) -> str:
    return " × ".join(str(size) for size in shape)
