"""Front matter: what the Hub reads from a card, as a mapping and as YAML."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from publisher.card import benchmarks
from publisher.card.evaluated import kinds_in, label
from publisher.card.view import CardInput
from publisher.records.artifacts import Kind
from publisher.records.facts import Fact, Json, StatedSource
from publisher.records.forms import FORMS
from publisher.records.metrics import fact_ids
from publisher.records.stand_in import TAG

Number = Callable[[Fact], Json]

# Rows at which the Hub's size categories end.
SIZES = (
    (10**3, "n<1K"),
    (10**4, "1K<n<10K"),
    (10**5, "10K<n<100K"),
    (10**6, "100K<n<1M"),
    (10**7, "1M<n<10M"),
    (10**8, "10M<n<100M"),
    (10**9, "100M<n<1B"),
    (10**10, "1B<n<10B"),
    (10**11, "10B<n<100B"),
    (10**12, "100B<n<1T"),
)

LIBRARIES: dict[Kind, str] = {
    "adapter": "peft",
    "gguf": "gguf",
    **{kind: form.library for kind, form in FORMS.items()},
}

TEXT = {"type": "text-generation", "name": "Text generation"}  # what benchmarks ask for, of every model

SPLITS = ("train", "validation", "test")
_SPLIT_ROWS = re.compile(r"dataset\.(?P<split>\w+)\.rows")

# How many libraries still read YAML 1.1, where these words and digits are no strings: `no` is false, 1:30 is 90.
NOT_A_STRING = re.compile(
    r"(?i)(y|n|yes|no|on|off|true|false|null|~)|[-+.:\d_]+|[-+.\d]+e[-+\d]+|0x[\da-f]+|"
)


def value_of(fact: Fact) -> Json:
    """A fact's bare value."""
    return fact.value


def front_matter(card: CardInput, number: Number = value_of) -> dict[str, Any]:
    """The fields of a card, in the order in which they are written.

    Args:
        card: what the card is made from.
        number: what stands for a fact's value; the renderer marks it so that it can be traced.
    """
    fields = _dataset(card, number) if card.kind == "dataset" else _model(card, number)
    return {key: value for key, value in fields.items() if value not in (None, "", [], {})}


def front_matter_text(fields: dict[str, Any]) -> str:
    """The block as it stands at the top of a README: long lines stay whole, Unicode stays readable."""
    return f"---\n{yaml_text(fields)}---\n"


def yaml_text(value: Any) -> str:
    """YAML as every reader of the Hub understands it: block style, and quotes where YAML 1.1 would misread."""
    yaml = YAML()
    yaml.width = 2**31
    yaml.default_flow_style = False
    written = io.StringIO()
    yaml.dump(_quoted(value), written)
    return written.getvalue()


def _model(card: CardInput, number: Number) -> dict[str, Any]:
    base, relation = _lineage(card)
    return {
        "license": card.licence,
        "license_name": card.licence_name,
        "license_link": card.licence_link,
        "base_model": base,
        "base_model_relation": relation if base else None,
        "library_name": LIBRARIES.get(card.kind, "transformers"),
        "pipeline_tag": _task(card),
        "language": list(card.language),
        "datasets": [] if card.kind == "base" else list(card.datasets),
        "tags": _tags(card),
        "co2_eq_emissions": _emissions(card, number),
        "model-index": _results(card, number),
        **_access(card),
    }


def _task(card: CardInput) -> str:
    sees = card.kind != "gguf" or "gguf.mmproj.file" in card.facts
    sees = sees and not card.facts.value(f"{card.kind}.text_only", False)
    return "image-text-to-text" if card.multimodal and sees else "text-generation"


def _emissions(card: CardInput, number: Number) -> dict[str, Any] | None:
    """What the training let into the air, where that was measured or stated."""
    fact = card.facts.get("train.emissions_grams")
    if fact is None or not fact.known or card.kind not in ("adapter", "merged"):
        return None
    source = fact.source.stated if isinstance(fact.source, StatedSource) else "measured while training"
    hardware = card.facts.value("train.hardware")
    about = {"emissions": number(fact), "source": source, "training_type": "fine-tuning"}
    return {**about, "hardware_used": hardware} if isinstance(hardware, str) else about


def _access(card: CardInput) -> dict[str, Any]:
    """The form of a gated repo. Without a gate, which is a setting of the repo, the Hub does not show it."""
    access = card.access
    if access is None:
        return {}
    fields = {
        question: kind if isinstance(kind, str) else {"type": "select", "options": list(kind)}
        for question, kind in access.fields.items()
    }
    return {
        "extra_gated_heading": access.heading,
        "extra_gated_description": access.description,
        "extra_gated_prompt": access.prompt,
        "extra_gated_button_content": access.button,
        "extra_gated_fields": fields,
        "extra_gated_eu_disallowed": True if access.eu_disallowed else None,
    }


def _lineage(card: CardInput) -> tuple[str | None, str]:
    """The model that this one was made from, and how, in the Hub's words."""
    if card.kind == "base":
        from_gguf = card.facts.value("base.source_file") is not None
        return card.facts.value("base.origin"), "quantized" if from_gguf else "finetune"
    if card.kind == "adapter":
        return card.base_repo, "adapter"
    if card.kind in ("nf4", "gguf") or card.form:
        return card.sibling("merged") or card.base_repo, "quantized"
    return card.base_repo, "finetune"


def _tags(card: CardInput) -> list[str]:
    own: list[str] = []
    if card.kind == "adapter":
        method = card.facts.value("train.method")
        own = ["lora", *([method] if method == "qlora" else [])]
    elif card.kind == "nf4":
        own = ["bitsandbytes", "4-bit"]
    elif card.kind == "gguf":
        own = ["llama.cpp"]
    elif card.form:
        bits = card.facts.value(f"{card.kind}.bits")
        own = [card.form.label.lower(), *([f"{bits}-bit"] if isinstance(bits, int) else [])]
    if card.stand_in:
        own.append(TAG)
    return list(dict.fromkeys([*own, *([] if card.kind == "base" else card.tags)]))


def _results(card: CardInput, number: Number) -> list[dict[str, Any]]:
    """Evaluation results in the model-index form; nothing where nothing was measured."""
    metrics = [
        {
            "type": metric.hub_type,
            "name": metric.title if kind == card.kind else f"{metric.title}, {label(kind)}",
            "value": number(card.facts[fact_id]),
        }
        for kind in kinds_in(card.kind, card.facts)
        for metric, fact_id in fact_ids(kind)
        if metric.hub_type and card.facts.value(fact_id) is not None
    ]
    task = {"type": _task(card), "name": _task(card).replace("-", " ").capitalize()}
    results = []
    if metrics and card.datasets:
        rows = {"type": card.datasets[0], "name": f"{card.datasets[0]}, held-out rows", "split": "validation"}
        results.append({"task": task, "dataset": rows, "metrics": metrics})
    results += _benchmarks(card, number)
    return [{"name": card.repo_id.rpartition("/")[2], "results": results}] if results else []


def _benchmarks(card: CardInput, number: Number) -> list[dict[str, Any]]:
    """What this model got on tasks whose dataset is on the Hub; the others have no place here."""
    table = benchmarks.table(card.facts)
    found: dict[str, dict[str, Any]] = {}
    for kind in benchmarks.here(table, card.kind):
        column = table.columns.index(kind)
        for row in table.rows:
            score, dataset = row.scores[column], row.about.dataset
            if score is None or not score.value.known or dataset is None:
                continue
            name, metric = row.benchmark.task, row.benchmark.written
            entry = {"task": TEXT, "dataset": {"type": dataset.value, "name": name}, "metrics": []}
            shown = metric if kind == card.kind else f"{metric}, {label(kind)}"
            told = {"type": metric, "name": shown, "value": number(score.value)}
            found.setdefault(name, entry)["metrics"].append(told)
    return list(found.values())


def _dataset(card: CardInput, number: Number) -> dict[str, Any]:
    rows = card.facts.value("dataset.rows")
    splits = _splits(card)
    files = [{"split": split, "path": f"data/{split}-*.parquet"} for split in splits]
    return {
        "license": card.licence,
        "license_name": card.licence_name,
        "license_link": card.licence_link,
        "pretty_name": card.heading,
        "language": list(card.language),
        "task_categories": ["image-text-to-text" if _shows_pictures(card) else "text-generation"],
        "size_categories": [size_category(rows)] if isinstance(rows, int) else [],
        "source_datasets": list(card.facts.value("dataset.source_datasets", ())),
        "tags": _tags(card),
        "dataset_info": _dataset_info(card, splits, number),
        "configs": [{"config_name": "default", "data_files": files}] if files else [],
        **_access(card),
    }


def _shows_pictures(card: CardInput) -> bool:
    """Whether what is trained on has pictures in it: the column that trainers look for."""
    return "images" in card.facts.value("dataset.columns", ())


def _splits(card: CardInput) -> list[str]:
    """The splits that have rows: those that are trained on first."""
    named = (match["split"] for fact_id in card.facts if (match := _SPLIT_ROWS.fullmatch(fact_id)))
    known = {split for split in named if card.facts.value(f"dataset.{split}.rows")}
    return [*(s for s in SPLITS if s in known), *sorted(known.difference(SPLITS))]


def _dataset_info(card: CardInput, splits: list[str], number: Number) -> dict[str, Any] | None:
    """What `datasets` compares with what it reads. Whole or not at all: with sizes missing it warns and drops it."""
    facts = card.facts
    sizes = {"download_size": "dataset.download_bytes", "dataset_size": "dataset.memory_bytes"}
    needed = [*sizes.values(), *(f"dataset.{split}.memory_bytes" for split in splits)]
    if not splits or any(facts.value(fact_id) is None for fact_id in needed):
        return None
    features = facts.value("dataset.features")
    return {
        **({"features": _in_order(features)} if features else {}),
        "splits": [
            {
                "name": split,
                "num_bytes": number(facts[f"dataset.{split}.memory_bytes"]),
                "num_examples": number(facts[f"dataset.{split}.rows"]),
            }
            for split in splits
        ],
        **{key: number(facts[fact_id]) for key, fact_id in sizes.items()},
    }


def _in_order(value: Any) -> Any:
    """A column's form with its name first, labels by number: a fact that was kept as JSON has lost its order."""
    if isinstance(value, list | tuple):
        return [_in_order(item) for item in value]
    if not isinstance(value, dict):
        return value
    keys = sorted(
        value, key=lambda key: (key != "name", (0, int(key), "") if key.isdecimal() else (1, 0, key))
    )
    return {key: _in_order(value[key]) for key in keys}


def size_category(rows: int) -> str:
    """The Hub's name for a number of rows; each category takes its lower bound."""
    return next((name for limit, name in SIZES if rows < limit), "n>1T")


def _quoted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _quoted(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_quoted(item) for item in value]
    if isinstance(value, str) and NOT_A_STRING.fullmatch(value):
        return DoubleQuotedScalarString(value)
    return value
