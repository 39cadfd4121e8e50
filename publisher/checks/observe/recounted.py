"""The facts that a repo's own files tell, counted again: an adapter's, a model's, a dataset's.

Weights are known by their headers alone, data by the footers of their files.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from publisher.checks.observe.files import Files, RepoKind
from publisher.checks.observe.footers import SplitFooters
from publisher.checks.observe.jsons import AdapterConfig, ModelConfig, TokenizerConfig
from publisher.checks.observe.lora import PATTERN_REASON, lora_modules
from publisher.checks.observe.readme import Metadata
from publisher.checks.observe.stated import StatedFacts
from publisher.checks.observe.target import Absent, RepoView, ShardIndexes
from publisher.checks.observe.tensors import ADAPTER_WEIGHTS, AdapterTensors, Headers
from publisher.records.artifacts import is_card_file
from publisher.records.facts import Json
from publisher.weights import header as safetensors
from publisher.weights.describe import configured, count_parameters, main_dtype, tied_embeddings
from publisher.weights.header import TORCH_NAMES, TensorEntry
from publisher.weights.shards import ShardSet

_INDEX, _SINGLE = "model.safetensors.index.json", "model.safetensors"
_PACKED = ".quant_map"  # what bitsandbytes puts beside a packed weight
_OF_PACKING = (".absmax", ".quant_map", ".nested_absmax", ".nested_quant_map")
_SPLIT_ROWS = re.compile(r"dataset\.(?P<split>\w+)\.rows")
_HUBS_OWN = ".gitattributes"


@dataclass(frozen=True)
class Found:
    """What the files say, and which; several values where the files allow more than one reading."""

    values: tuple[Json, ...]
    where: str


@dataclass(frozen=True)
class Unknown:
    """Why the files do not tell."""

    reason: str


Answer = Found | Unknown


@dataclass(frozen=True)
class Recounted:
    """What was found, by the id of the fact."""

    answers: Mapping[str, Answer]
    artifact: str  # the first part of the ids that are about this repo's own files

    @classmethod
    def observe(cls, view: RepoView) -> Recounted | Absent:
        """Count what this kind of repo holds."""
        kind = view.observe(RepoKind)
        if kind is RepoKind.ADAPTER:
            return cls(dict(_adapter(view)), "adapter")
        if kind is RepoKind.MODEL:
            artifact = _which_model(view)
            return cls(dict(_model(view, artifact)), artifact)
        if kind is RepoKind.DATASET:
            return cls(dict(_dataset(view)), "dataset")
        return Absent("neither weights nor data are here")

    def answer(self, fact_id: str) -> Answer:
        """What the files say of a fact."""
        found = self.answers.get(fact_id)
        if found is not None:
            return found
        about = fact_id.partition(".")[0]
        if about in ("adapter", "base", "merged", "nf4", "dataset") and about != self.artifact:
            return Unknown("the files that it is about are not in this repo")
        return Unknown(_WHY.get(about, "the files of this repo do not tell"))


_WHY = {
    "train": "only training again would tell",
    "validate": "the model would have to run",
    "evaluate": "the model would have to run",
    "lm_eval": "the benchmark would have to run",
    "changes": "an earlier version would have to be read",
    "dataset": "the rows would have to be read",
}


def _adapter(view: RepoView) -> Iterator[tuple[str, Answer]]:
    config, tensors = view.observe(AdapterConfig), view.observe(AdapterTensors)
    if isinstance(config, Absent):
        keys = ("r", "alpha", "target_modules")
        yield from ((f"adapter.{key}", Unknown(config.reason)) for key in keys)
    else:
        targets = config.data.get("target_modules")
        listed = [targets] if isinstance(targets, str) else targets
        if isinstance(listed, list):
            listed = sorted(map(str, listed))
        said: dict[str, Json] = {
            "r": config.data.get("r"), "alpha": config.data.get("lora_alpha"),
            "dropout": config.data.get("lora_dropout"), "target_modules": listed,
        }  # fmt: skip
        yield from _all("adapter", said, config.path)
        if isinstance(targets, str):  # training tells the names, the pattern also where they are looked for
            del said["target_modules"]
            yield "train.lora.target_modules", Unknown(PATTERN_REASON)
        yield from _all("train.lora", said, config.path)
        yield "base.repo", _said(config.data.get("base_model_name_or_path"), config.path)
    if isinstance(tensors, Absent):
        counted = ("parameters", "tensors", "dtype", "modules", "size_bytes")
        yield from ((f"adapter.{key}", Unknown(tensors.reason)) for key in counted)
        return
    entries = tensors.header.tensors.values()
    parameters = sum(math.prod(tensor.shape) for tensor in entries)
    modules = sum({"A", "B"} <= module.parts.keys() for module in lora_modules(tensors))
    where = f"the header of {ADAPTER_WEIGHTS}"
    yield from _all("adapter", {"parameters": parameters, "tensors": len(entries), "modules": modules}, where)
    yield "train.trainable_parameters", Found((parameters,), where)
    types = Counter(TORCH_NAMES.get(tensor.dtype, tensor.dtype.lower()) for tensor in entries)
    most = max(types.values(), default=0)
    yield "adapter.dtype", Found(tuple(name for name, count in types.items() if count == most), where)
    yield "adapter.size_bytes", _sizes(view, [ADAPTER_WEIGHTS])


def _which_model(view: RepoView) -> str:
    """Whether these are the base's own weights, merged ones or quantized ones."""
    config, facts, card = view.observe(ModelConfig), view.observe(StatedFacts), view.observe(Metadata)
    if not isinstance(config, Absent) and "quantization_config" in config.data:
        return "nf4"
    if isinstance(facts, Absent) or "merged.parameters" not in facts.by_id:
        return "base"
    named = () if isinstance(card, Absent) else card.texts("base_model")
    return "merged" if facts.value("base.repo") in {value.data for value in named} else "base"


def _model(view: RepoView, artifact: str) -> Iterator[tuple[str, Answer]]:
    config, files = view.observe(ModelConfig), view.observe(Files)
    if isinstance(config, Absent) or isinstance(files, Absent):
        return
    data = dict(config.data)
    if not isinstance(data.get("architectures"), list):
        data.pop("architectures", None)
    # Merging and quantizing leave the shape of the base as it was, so its configuration is here too.
    yield from _all("base", configured(data), config.path)
    if artifact == "nf4":
        said = data.get("quantization_config")
        said = said if isinstance(said, dict) else {}
        keys = {"double_quant": "bnb_4bit_use_double_quant", "compute_dtype": "bnb_4bit_compute_dtype"}
        yield from _all(artifact, {fact: said.get(key) for fact, key in keys.items()}, config.path)
    shards = _shards(view)
    if isinstance(shards, Absent):
        counted = ("parameters", "dtype", "size_bytes", "tensors", "shards", "quantized_layers")
        yield from ((f"{artifact}.{key}", Unknown(shards.reason)) for key in counted)
        return
    where = "the headers of the weights"
    yield f"{artifact}.size_bytes", Found((shards.size_bytes,), "the sizes of the weight files")
    if artifact == "nf4":
        packed = sum(name.endswith(_PACKED) for name in shards.tensors)
        counts = {"quantized_layers": packed, "parameters": _count_packed(data, shards)}
        yield from _all(artifact, counts, where)
        return
    values: dict[str, Json] = {
        "parameters": count_parameters(data, shards),
        "dtype": main_dtype(shards),
    }
    if artifact == "merged":
        values |= {"tensors": len(shards.tensors), "shards": len(shards.shards)}
    else:
        values["tied_embeddings"] = tied_embeddings(data, shards)
        yield "base.chat_template", _chat_template(view, files)
    yield from _all(artifact, values, where)


def _shards(view: RepoView) -> ShardSet | Absent:
    """The weight files of the model, not what else may lie beside them."""
    headers, files, indexes = view.observe(Headers), view.observe(Files), view.observe(ShardIndexes)
    if isinstance(headers, Absent):
        return headers
    if isinstance(files, Absent):
        return files
    names = {_SINGLE}
    if _INDEX in files:
        if isinstance(indexes, Absent):
            return indexes
        index = next(index for index in indexes.files if index.path == _INDEX)
        weight_map = index.data.get("weight_map")
        names = set(map(str, weight_map.values())) if isinstance(weight_map, dict) else set()
    by_path = {header.path: header for header in headers.files}
    wrong = sorted(
        name for name in names if name not in by_path or by_path[name].faults or by_path[name].pointer
    )
    if wrong or not names:
        return Absent(f"{wrong[0] if wrong else _INDEX} is missing or damaged")
    sizes = {entry.path: entry.size for entry in files}
    return ShardSet(
        Path(),
        tuple(
            safetensors.Header(
                Path(name),
                sizes[name],
                {
                    tensor: TensorEntry(tensor, entry.dtype, entry.shape, entry.start, entry.end)
                    for tensor, entry in by_path[name].tensors.items()
                },
                {},
            )
            for name in sorted(names)
        ),
        None,
    )


def _count_packed(config: dict[str, Json], shards: ShardSet) -> int:
    """Parameters before quantization: two of them share a byte of a packed weight."""
    tensors = shards.tensors
    whole = {
        name: TensorEntry(name, entry.dtype, (2 * entry.elements,), 0, 0)
        if f"{name}{_PACKED}" in tensors
        else entry
        for name, entry in tensors.items()
        if not name.endswith(_OF_PACKING) and ".quant_state." not in name
    }
    return count_parameters(config, ShardSet(Path(), (safetensors.Header(Path(), 0, whole, {}),), None))


def _chat_template(view: RepoView, files: Files) -> Answer:
    tokenizer = view.observe(TokenizerConfig)
    inside = not isinstance(tokenizer, Absent) and bool(tokenizer.data.get("chat_template"))
    beside = "chat_template.jinja" in files or "chat_template.json" in files
    return Found((beside or inside,), "the tokenizer's files")


def _dataset(view: RepoView) -> Iterator[tuple[str, Answer]]:
    files, splits = view.observe(Files), view.observe(SplitFooters)
    if not isinstance(files, Absent):
        data = [e for e in files if not is_card_file(e.path) and e.path != _HUBS_OWN]
        rows_only = sum(entry.size for entry in data if entry.path.endswith(".parquet"))
        sizes = (sum(entry.size for entry in data), rows_only)
        yield "dataset.size_bytes", Found(sizes, "the sizes of the files")
        yield "dataset.download_bytes", Found((rows_only,), "the sizes of the files")
    if isinstance(splits, Absent):
        yield "dataset.rows", Unknown(splits.reason)
        yield "dataset.columns", Unknown(splits.reason)
        return
    where = "the footers of the Parquet files"
    facts = view.observe(StatedFacts)
    stated = () if isinstance(facts, Absent) else filter(None, map(_SPLIT_ROWS.fullmatch, facts.by_id))
    rows = {match["split"]: 0 for match in stated}  # what is stated and not here has no rows
    rows |= {split: sum(footer.rows for footer in footers) for split, footers in splits.of.items()}
    yield from _all("dataset", {f"{split}.rows": count for split, count in rows.items()}, where)
    yield "dataset.rows", Found((sum(rows.values()),), where)
    yield "validate.dataset.rows", Found((sum(rows.values()),), where)
    columns = {footer.columns for footers in splits.of.values() for footer in footers}
    alike = len(columns) == 1
    found = Found((list(next(iter(columns))),), where) if alike else Unknown("the files' columns differ")
    yield "dataset.columns", found


def _sizes(view: RepoView, paths: Iterable[str]) -> Answer:
    files = view.observe(Files)
    entries = [] if isinstance(files, Absent) else [files.get(path) for path in paths]
    return Found((sum(entry.size for entry in entries if entry is not None),), "the sizes of the files")


def _all(about: str, values: Mapping[str, Json], where: str) -> Iterator[tuple[str, Answer]]:
    for key, value in values.items():
        yield f"{about}.{key}", _said(value, where)


def _said(value: Json, where: str) -> Answer:
    return Unknown(f"{where} does not say") if value is None else Found((value,), where)
