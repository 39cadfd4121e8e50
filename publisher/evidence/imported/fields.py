"""Settings of a training: the allow-list. Nothing that is not named here, or has another form, leaves the file."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping

from publisher.evidence.imported.document import Document
from publisher.records.facts import Json

Values = dict[str, Json]  # fact id without `train.` → value
Kind = Callable[[Json], Json]

WORD = re.compile(r"[A-Za-z][\w.+-]{0,39}")
MODULE = re.compile(r"[A-Za-z_][\w.]{0,199}")
HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,94}/[A-Za-z0-9][\w.-]{0,94}")
FILE = re.compile(r"\.(jsonl?|parquet|csv|tsv|txt|arrow|gz|zst|zip)$", re.IGNORECASE)


class WrongKindError(ValueError):
    """A value that is not of the kind that its name promises; the text says which kind."""


def number(value: Json) -> float:
    """A finite number; YAML 1.1 and some exports write 2e-4 as a string."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            raise WrongKindError("a number") from None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise WrongKindError("a finite number")
    return value


def whole(value: Json) -> int:
    """A whole number from 0 on."""
    found = number(value)
    if found < 0 or found != int(found):
        raise WrongKindError("a whole number from 0 on")
    return int(found)


def if_finite(value: Json) -> Json:
    """A number; None for one that is not finite: the best of nothing but NaN is infinite."""
    try:
        return number(value)
    except WrongKindError:
        if isinstance(value, float):
            return None
        raise


def flag(value: Json) -> bool:
    """Yes or no."""
    if not isinstance(value, bool):
        raise WrongKindError("true or false")
    return value


def word(value: Json) -> str:
    """The name of an optimizer, a schedule, a metric: one word. `SchedulerType.LINEAR` is its last part."""
    if not isinstance(value, str) or not WORD.fullmatch(value):
        raise WrongKindError("one word")
    return value.rpartition(".")[2].lower()


def modules(value: Json) -> Json:
    """Names of layers; a regular expression or a keyword (`all-linear`) tells no names."""
    if isinstance(value, str):
        return None
    if not isinstance(value, list) or not all(isinstance(v, str) and MODULE.fullmatch(v) for v in value):
        raise WrongKindError("a list of module names")
    return sorted(value) or None


def hub_id(value: Json) -> Json:
    """A repo of the Hub; a path on the trainer's machine is nobody's business."""
    known = isinstance(value, str) and HUB_ID.fullmatch(value) and not FILE.search(value)
    return value if known else None


# Settings as transformers' TrainingArguments, TRL's SFTConfig, and what logs them have them.
ARGUMENTS: Mapping[str, tuple[str, Kind]] = {
    "learning_rate": ("learning_rate", number),
    "lr_scheduler_type": ("schedule", word),
    "optim": ("optimizer", word),
    "weight_decay": ("weight_decay", number),
    "max_grad_norm": ("max_grad_norm", number),
    "per_device_train_batch_size": ("batch_size", whole),
    "gradient_accumulation_steps": ("gradient_accumulation", whole),
    "num_train_epochs": ("epochs_planned", number),
    "max_steps": ("steps_planned", number),
    "warmup_steps": ("warmup_steps", number),
    "warmup_ratio": ("warmup_ratio", number),
    "seed": ("seed", whole),
    "max_length": ("max_length", whole),
    "max_seq_length": ("max_length", whole),
    "packing": ("packing", flag),
    "gradient_checkpointing": ("gradient_checkpointing", flag),
    "metric_for_best_model": ("best_metric_name", word),
    "load_best_model_at_end": ("best_loaded", flag),
}

LORA: Mapping[str, tuple[str, Kind]] = {
    "r": ("lora.r", whole),
    "lora_alpha": ("lora.alpha", number),
    "lora_dropout": ("lora.dropout", number),
    "target_modules": ("lora.target_modules", modules),
}


def taken(document: Document, settings: Mapping[str, Json], table: Mapping[str, tuple[str, Kind]]) -> Values:
    """What a mapping says under the names of a table. Null is no value.

    Raises:
        HubpubError: HP-A08, a value of another kind.
    """
    found: Values = {}
    for key, (fact_id, kind) in table.items():
        value = settings.get(key)
        if value is None:
            continue
        value = read_as(kind, document, key, value)
        if value is not None:
            found[fact_id] = value
    return found


def read_as(kind: Kind, document: Document, key: str, value: Json) -> Json:
    """A value as its kind has it.

    Raises:
        HubpubError: HP-A08 at its line, it is of another kind.
    """
    try:
        return kind(value)
    except WrongKindError as wrong:
        what = f"{key} in {document.name} is {str(value)[:40]!r}, where {wrong} belongs"
        raise document.fault(what, key, value) from None


def settled(values: Values) -> Values:
    """The settings that count: max_steps over epochs, warm-up as steps or as a ratio."""
    found = dict(values)
    if found.get("steps_planned", 0) > 0:
        found.pop("epochs_planned", None)
    else:
        found.pop("steps_planned", None)
    warmup = found.pop("warmup_steps", 0)
    if 0 < warmup < 1:  # transformers 5 has one setting for both
        found["warmup_ratio"] = warmup
    elif warmup >= 1 or not found.get("warmup_ratio"):
        found.pop("warmup_ratio", None)
        if "warmup_steps" in values:
            found["warmup_steps"] = int(warmup)
    return {key: int(value) if key == "steps_planned" else value for key, value in found.items()}


def compute_dtype(settings: Mapping[str, Json]) -> Values:
    """The type of mixed precision, where one was asked for; `auto` asks for none in particular."""
    named = {"bf16": "bfloat16", "fp16": "float16"}
    return next(({"compute_dtype": dtype} for key, dtype in named.items() if settings.get(key) is True), {})
