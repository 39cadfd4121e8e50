"""A folder of weights that another program quantized: what it says of itself, held against the model that it was made of.

Headers and configurations only; nothing is unpacked, so nothing here can tell how good the weights are.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from publisher.errors import HubpubError
from publisher.records.artifacts import Kind
from publisher.records.facts import Json, Measurement
from publisher.records.forms import FORMS
from publisher.weights.describe import Config, configured, language_config, read_config
from publisher.weights.header import Header, read_header
from publisher.weights.shards import read_shards, refuse_pickles

# What quantizing leaves as it was: the shape of the language model.
SHAPE = ("layers", "hidden_size", "intermediate_size", "heads", "kv_heads", "vocab_size")
_PART = re.compile(r"-(?P<number>\d{5})-of-(?P<of>\d{5})\.safetensors$")
_BITS = {"fp8": 8, "fbgemm_fp8": 8, "FP8": 8, "NVFP4": 4}  # where the name of the method says it


@dataclass(frozen=True)
class Variant:
    """What a folder says of itself.

    Attributes:
        method: as `quantization_config` names it; `mlx` where the weights' own metadata do.
        layout: the format or algorithm beside it; None where the method has one only.
        bits: of a weight, as an average for EXL2 and EXL3; `group_size`: weights that share a scale, or a block's sides.
    """

    kind: Kind
    folder: Path
    config: Config
    method: str
    layout: str | None
    bits: Json
    group_size: Json
    headers: tuple[Header, ...]

    @property
    def size_bytes(self) -> int:
        """Bytes of the weight files."""
        return sum(header.size_bytes for header in self.headers)


def read_variant(kind: Kind, folder: Path) -> Variant:
    """Read a folder, and see that it is of the form that it is released as.

    Raises:
        HubpubError: HP-B04 no configuration or no weights, HP-W01 … HP-W03 damaged or pickled weights, HP-W05 it is
            quantized in another form, or not at all.
    """
    config = read_config(folder)
    refuse_pickles(folder)
    headers = _headers(folder)
    said = _quantization(config)
    by_metadata = any(header.metadata.get("format") == "mlx" for header in headers)
    method = "mlx" if by_metadata else str(said.get("quant_method") or "")
    layout = next((str(said[key]) for key in ("format", "quant_algo") if said.get(key)), None)
    if not _is_of(kind, method, layout):
        raise _not_of_form(kind, folder, method, layout)
    return Variant(
        kind,
        folder,
        config,
        method,
        None if method == "mlx" else layout,
        _first(said, "bits", "w_bit", "num_bits") or _BITS.get(method) or _BITS.get(layout or ""),
        _first(said, "group_size", "q_group_size", "weight_block_size"),
        headers,
    )


def kinds_of(folder: Path) -> Iterator[Kind]:
    """The forms that a folder can be released as, the most particular first.

    Raises:
        HubpubError: as `read_variant`, for what is wrong with its files.
    """
    for kind in FORMS:
        try:
            read_variant(kind, folder)
        except HubpubError as fault:
            if fault.code != "HP-W05":
                raise
        else:
            yield kind


def describe_variant(variant: Variant, source: Path | None) -> tuple[Measurement, ...]:
    """Measure a variant, and hold it against the folder of the model that it was made of, where that is here.

    Raises:
        HubpubError: HP-W05, it is no quantization of that model.
    """
    values: dict[str, Json] = {
        "made_here": False,
        "method": variant.method,
        "bits": variant.bits,
        "group_size": variant.group_size,
        "size_bytes": variant.size_bytes,
        "tensors": sum(len(header.tensors) for header in variant.headers),
        "shards": len(variant.headers),
        "architecture": configured(variant.config)["architecture"],
    }
    if variant.layout is not None:
        values["layout"] = variant.layout
    if source is not None:
        values |= _held_against(variant, source)
    return tuple(
        Measurement(
            f"{variant.kind}.{name}",
            value,
            "bytes" if name == "size_bytes" else None,
            "unknown" if value is None else "known",
        )
        for name, value in values.items()
    )


def _held_against(variant: Variant, source: Path) -> dict[str, Json]:
    config = read_config(source)
    ours, theirs = configured(variant.config), configured(config)
    compared = [name for name in SHAPE if ours[name] is not None and theirs[name] is not None]
    faults = [
        f"{name} is {ours[name]}, the source's is {theirs[name]}"
        for name in compared
        if ours[name] != theirs[name]
    ]
    # A program may leave the vision part out: what it then writes is the architecture of the language part.
    text_only = "vision_config" in config and "vision_config" not in variant.config
    if ours["architecture"] != theirs["architecture"] and not text_only:
        faults.append(f"architecture is {ours['architecture']}, the source's is {theirs['architecture']}")
    vocabularies = [_vocabulary(folder) for folder in (variant.folder, source)]
    same_vocabulary = None if None in vocabularies else vocabularies[0] == vocabularies[1]
    if same_vocabulary is False:
        faults.append("its tokenizer has other tokens than the source's")
    if faults:
        raise HubpubError(
            "HP-W05",
            f"{variant.folder.name} is no quantization of the source: {'; '.join(faults)}",
            where=str(variant.folder / "config.json"),
            hint=f"point artifacts.{variant.kind}.folder at the right folder, or source: at the model it was made of",
            faults=faults,
        )
    templates = [chat_template(folder) for folder in (variant.folder, source)]
    return {
        "same_shape": True,
        "text_only": text_only,
        "same_vocabulary": same_vocabulary,
        "chat_template": templates[0] is not None,
        "same_chat_template": templates[0] == templates[1],
    }


def _is_of(kind: Kind, method: str, layout: str | None) -> bool:
    methods = FORMS[kind].methods
    return method in methods and (not methods[method] or layout in methods[method])


def _not_of_form(kind: Kind, folder: Path, method: str, layout: str | None) -> HubpubError:
    found = f"quantized by {method}{f' ({layout})' if layout else ''}" if method else "not quantized"
    alike = [other for other in FORMS if _is_of(other, method, layout)]
    return HubpubError(
        "HP-W05",
        f"{folder.name} is released as {kind}, and its config.json says that it is {found}",
        where=str(folder / "config.json"),
        hint=f"release it as {' or '.join(alike)}: {{folder: …}}"
        if alike
        else "config.json needs the quantization_config that the weights were saved with",
        method=method,
    )


def _quantization(config: Config) -> Mapping[str, Any]:
    """What a configuration says of quantization, under whichever name and wherever programs write it."""
    for part in (config, language_config(config)):
        for key in ("quantization_config", "compression_config", "quantization"):
            if isinstance(part.get(key), dict):
                return dict(part[key])
    return {}


def _first(said: Mapping[str, Any], *keys: str) -> Json:
    """The first of these keys; compressed-tensors has them in the weights' part of its groups."""
    groups = said.get("config_groups")
    inner = [group.get("weights") for group in groups.values()] if isinstance(groups, dict) else []
    for place in (said, *(each for each in inner if isinstance(each, dict))):
        for key in keys:
            value = place.get(key)
            if isinstance(value, int | float | list) and not isinstance(value, bool):
                return value
    return None


def _headers(folder: Path) -> tuple[Header, ...]:
    """All weight files. EXL2 leaves the index of the model that it was made of beside files of its own."""
    index = folder / "model.safetensors.index.json"
    own = sorted(file for file in folder.glob("*.safetensors") if not file.name.startswith("model"))
    if (folder / "model.safetensors").is_file() or not own:
        return read_shards(folder).shards
    if index.is_file() and any(folder.glob("model-*.safetensors")):
        return read_shards(folder).shards
    for of in {int(match["of"]) for file in own if (match := _PART.search(file.name))}:
        here = sum(file.name.endswith(f"-of-{of:05}.safetensors") for file in own)
        if here != of:
            raise HubpubError(
                "HP-W02",
                f"the weights are in {of} parts, and {here} are here",
                where=str(folder),
                hint="copy or download the model again, every part of it",
            )
    return tuple(read_header(file) for file in own)


def _vocabulary(folder: Path) -> Mapping[str, int] | None:
    """Token → number, added tokens among them; None where tokenizer.json does not tell."""
    try:
        content = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
        words = content["model"]["vocab"]
        added = {token["content"]: token["id"] for token in content.get("added_tokens") or ()}
    except (OSError, ValueError, KeyError, TypeError):
        return None
    pairs = (
        {str(word): number for number, (word, *_) in enumerate(words)} if isinstance(words, list) else words
    )
    return {**pairs, **added}


def chat_template(folder: Path) -> str | None:
    """The text of a folder's chat template, from either of the two places that it may stand in."""
    try:
        return (folder / "chat_template.jinja").read_text(encoding="utf-8")
    except OSError:
        pass
    try:
        said = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8")).get("chat_template")
    except (OSError, ValueError, AttributeError):
        return None
    return said if isinstance(said, str) else None
