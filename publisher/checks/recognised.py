"""What a target is, in the words of a colleague who has just opened it. What the files do not tell is left out."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from publisher.checks.base_fit import adapter_fits, in_a_row, shape_of_base
from publisher.checks.observe.files import DATA_SUFFIXES, Files, RepoKind
from publisher.checks.observe.footers import SplitFooters
from publisher.checks.observe.jsons import AdapterConfig, ModelConfig
from publisher.checks.observe.readme import Metadata
from publisher.checks.observe.splits import declared_splits
from publisher.checks.observe.target import Absent, RepoView
from publisher.checks.observe.tensors import AdapterTensors, Header, Headers
from publisher.checks.observe.truths import Truths
from publisher.checks.quoting import clean
from publisher.records.facts import Json
from publisher.records.findings import Recognised

_MOST_NAMES = 12
_MOST = 2**63  # more than there is of anything; a stranger's file may claim more
_WHOLE = re.compile(r"B?F(?:16|32|64)")  # types that hold one parameter a number

Details = Iterator[tuple[str, str]]


def recognised(view: RepoView, target: str) -> Recognised:
    """The kind of a target, and its figures."""
    kind = view.observe(RepoKind)
    if not view.source.whole:
        what = "a dataset's card" if kind is RepoKind.DATASET else "a card"
        title, details = f"{what} alone, without the files of its repo", tuple(_card(view))
        return _made(target, RepoKind.CARD, title, details)
    if kind is RepoKind.ADAPTER:
        return _made(target, kind, *_adapter(view))
    if kind is RepoKind.MODEL:
        return _made(target, kind, _model_title(view), tuple(_weights(view)))
    if kind is RepoKind.DATASET:
        return _made(target, kind, "a dataset", tuple(_dataset(view)))
    return _made(target, RepoKind.CARD, "a folder without weights, configuration or data", tuple(_card(view)))


def _made(target: str, kind: RepoKind, title: str, details: Sequence[tuple[str, str]]) -> Recognised:
    cleaned = tuple((label, clean(text, 160)) for label, text in details)
    return Recognised(clean(target), str(kind), clean(title, 160), cleaned)


def _card(view: RepoView) -> Details:
    card, truths = view.observe(Metadata), view.observe(Truths)
    named = "" if isinstance(card, Absent) else _listed(value.data for value in card.texts("base_model"))
    if not isinstance(card, Absent) and card.texts("license"):
        yield "licence", _listed(value.data for value in card.texts("license"))
    base = None if isinstance(truths, Absent) else truths.base
    if base is not None and not isinstance(truths, Absent):
        owner = f"{base.owner}/" if base.owner else ""
        fit = "there is no such size" if base.exists is False else shape_of_base(base, truths)
        yield "base", f"{named or owner + base.text}{f': {fit}' if fit else ''}"
    elif named:
        yield "base", named


def _listed(values: Iterable[Json]) -> str:
    """Some texts in a row, not more than a line holds."""
    texts = [str(value) for value in values]
    more = f" and {len(texts) - _MOST_NAMES} more" if len(texts) > _MOST_NAMES else ""
    return ", ".join(texts[:_MOST_NAMES]) + more


def _adapter(view: RepoView) -> tuple[str, tuple[tuple[str, str], ...]]:
    config, tensors = view.observe(AdapterConfig), view.observe(AdapterTensors)
    if isinstance(config, Absent):
        return "an adapter", (("settings", f"unknown: {config.reason}"),)
    data = config.data
    kind = {"LORA": "LoRA"}.get(str(data.get("peft_type")), str(data.get("peft_type") or "PEFT"))
    base = data.get("base_model_name_or_path")
    details = [("settings", text) for text in (_settings(data),) if text]
    targets = data.get("target_modules")
    if isinstance(targets, list):
        details.append(("targets", _listed(sorted(map(str, targets)))))
    elif targets:
        details.append(("targets", str(targets)))
    if isinstance(tensors, Absent):
        details.append(("weights", f"unknown: {tensors.reason}"))
    else:
        details.append(("weights", _count([tensors.header])))
    if isinstance(base, str):
        details.append(("base", f"{base}: {adapter_fits(base, tensors)}"))
    return f"a {kind} adapter", tuple(details)


def _settings(data: Json) -> str:
    rank, alpha, dropout = data.get("r"), data.get("lora_alpha"), data.get("lora_dropout")
    said = [f"rank {rank}"] if _is_number(rank) else []
    if _is_number(alpha):
        scale = math.sqrt(rank) if data.get("use_rslora") and _is_number(rank) else rank
        factor = f" (a factor of {alpha / scale:g})" if _is_number(scale) and scale > 0 else ""
        said.append(f"alpha {alpha}{factor}")
    said += [f"dropout {dropout}"] if _is_number(dropout) and dropout else []
    said += ["DoRA"] if data.get("use_dora") is True else []
    said += ["rsLoRA"] if data.get("use_rslora") is True else []
    return ", ".join(said)


def _model_title(view: RepoView) -> str:
    config = view.observe(ModelConfig)
    names = None if isinstance(config, Absent) else config.data.get("architectures")
    if isinstance(names, list) and names and isinstance(names[0], str):
        return f"a model, {names[0]}"
    return "a model"


def _weights(view: RepoView) -> Details:
    yield from _card(view)
    files, headers = view.observe(Files), view.observe(Headers)
    if not isinstance(headers, Absent):
        pointers = [header for header in headers.files if header.pointer]
        read = [header for header in headers.files if not header.pointer and not header.faults]
        if read:
            shards = f", {len(read)} files" if len(read) > 1 else ""
            yield "weights", f"{_count(read)}{shards}"
        if pointers:
            yield "pointers", f"{len(pointers)} files are Git LFS pointers: their weights are not here"
        if len(read) + len(pointers) < len(headers.files):
            yield "damaged", f"{len(headers.files) - len(read) - len(pointers)} files cannot be read"
    ggufs = () if isinstance(files, Absent) else files.ending(".gguf")
    if ggufs:
        yield "GGUF", f"{_plural(len(ggufs), 'file')}, {_bytes(sum(entry.size for entry in ggufs))}"


def _count(headers: Sequence[Header]) -> str:
    """Tensors, parameters, types and bytes of some safetensors files."""
    tensors = [tensor for header in headers for tensor in header.tensors.values()]
    types: Counter[str] = Counter()
    for tensor in tensors:
        types[tensor.dtype] += math.prod(tensor.shape)
    numbers = min(sum(types.values()), _MOST)
    size = sum(tensor.end - tensor.start for tensor in tensors)
    names = in_a_row([dtype for dtype, _ in types.most_common(4)]) or "no type"
    noun = (
        "parameters"
        if all(_WHOLE.fullmatch(dtype) for dtype in types)
        else "numbers, packed ones among them,"
    )
    return f"{_plural(len(tensors), 'tensor')}, {numbers:,} {noun} in {names}, {_bytes(size)}"


def _dataset(view: RepoView) -> Details:
    files, card = view.observe(Files), view.observe(Metadata)
    counted, by = list(_counted_rows(view)), "in the footers of its files"
    if not counted and not isinstance(card, Absent):
        counted, by = list(_declared_rows(card)), "by its card"
    if counted:
        parts = ", ".join(f"{name} {rows:,}" for name, rows in counted[:_MOST_NAMES])
        yield "rows", f"{sum(rows for _, rows in counted):,} {by} ({parts})"
    elif not isinstance(card, Absent):
        names = dict.fromkeys(split.name for split in declared_splits(card))
        if names:
            yield "splits", _listed(names)
    if not isinstance(files, Absent):
        data = files.ending(*DATA_SUFFIXES)
        kinds = Counter(entry.path.rpartition(".")[2] for entry in data)
        if data:
            listed = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
            size = _bytes(sum(entry.size for entry in data))
            yield "data", f"{_plural(len(data), 'file')} ({listed}), {size}"


def _counted_rows(view: RepoView) -> Iterator[tuple[str, int]]:
    """Rows by split, as the Parquet files say; over a network nobody fetches a thousand footers for one line."""
    footers = view.observe(SplitFooters) if view.source.near else None
    if isinstance(footers, SplitFooters):
        for split, each in footers.of.items():
            yield split, sum(footer.rows for footer in each)


def _declared_rows(card: Metadata) -> Iterator[tuple[str, int]]:
    """Rows by split, as `dataset_info` counts them; of several configurations, each split with its configuration."""
    info = card.get("dataset_info")
    if info is None:
        return
    several = isinstance(info.items, tuple) and len(info.items) > 1
    for item in info.items if isinstance(info.items, tuple) and info.items else (info,):
        data = item.data if isinstance(item.data, dict) else {}
        splits = data.get("splits")
        for split in splits if isinstance(splits, list) else ():
            if isinstance(split, dict) and _is_number(split.get("num_examples")):
                prefix = f"{data.get('config_name')}/" if several else ""
                yield f"{prefix}{split.get('name')}", split["num_examples"]


def _is_number(value: Json) -> bool:
    """Whether a value is a number that can be counted with; JSON may hold one of a thousand digits."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _MOST


def _plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _bytes(size: int) -> str:
    for unit, scale in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size >= scale:
            return f"{size / scale:.1f} {unit}"
    return f"{size} bytes"
