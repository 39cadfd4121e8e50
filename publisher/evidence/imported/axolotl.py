"""axolotl's YAML configuration."""

from __future__ import annotations

from publisher.evidence.imported.document import Document
from publisher.evidence.imported.fields import (
    Kind,
    Values,
    compute_dtype,
    hub_id,
    modules,
    number,
    settled,
    taken,
    whole,
    word,
)
from publisher.records.facts import Json


def _if_flag(value: Json) -> Json:
    return value if isinstance(value, bool) else None  # or the name of a way to do it


CONFIG: dict[str, tuple[str, Kind]] = {
    "base_model": ("base_model", hub_id),
    "adapter": ("method", word),
    "lora_r": ("lora.r", whole),
    "lora_alpha": ("lora.alpha", number),
    "lora_dropout": ("lora.dropout", number),
    "lora_target_modules": ("lora.target_modules", modules),
    "learning_rate": ("learning_rate", number),
    "lr_scheduler": ("schedule", word),
    "optimizer": ("optimizer", word),
    "weight_decay": ("weight_decay", number),
    "max_grad_norm": ("max_grad_norm", number),
    "micro_batch_size": ("batch_size", whole),
    "gradient_accumulation_steps": ("gradient_accumulation", whole),
    "num_epochs": ("epochs_planned", number),
    "max_steps": ("steps_planned", number),
    "warmup_steps": ("warmup_steps", number),
    "warmup_ratio": ("warmup_ratio", number),
    "seed": ("seed", whole),
    "sequence_len": ("max_length", whole),
    "sample_packing": ("packing", _if_flag),
    "gradient_checkpointing": ("gradient_checkpointing", _if_flag),
}


def axolotl(document: Document) -> Values | None:
    """What the file tells; None where it is another.

    Raises:
        HubpubError: HP-A08.
    """
    config = document.mapping("base_model", "datasets") or document.mapping("base_model", "micro_batch_size")
    if not config:
        return None
    values = settled(taken(document, config, CONFIG)) | compute_dtype(config)
    if config.get("lora_target_linear"):
        values.pop("lora.target_modules", None)  # every linear layer besides those that are listed
    bits = {"load_in_4bit": "4-bit", "load_in_8bit": "8-bit"}
    values |= next(({"quantization": name} for key, name in bits.items() if config.get(key) is True), {})
    return values | _datasets(document, config.get("datasets"))


def _datasets(document: Document, datasets: Json) -> Values:
    """Hub datasets by their ids; of files, how many: their names are the author's own."""
    if datasets is None:
        return {}
    if not isinstance(datasets, list) or not all(isinstance(entry, dict) for entry in datasets):
        raise document.fault(f"datasets of {document.name} is no list of datasets", "datasets")
    ids = [
        entry.get("path") for entry in datasets if not entry.get("data_files") and not entry.get("ds_type")
    ]
    named = sorted({found for each in ids if (found := hub_id(each))})
    others = len(datasets) - sum(1 for each in ids if hub_id(each))
    return {**({"datasets": named} if named else {}), **({"local_datasets": others} if others else {})}
