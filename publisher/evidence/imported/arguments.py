"""Training arguments as JSON: `TrainingArguments.to_json_string()`, TRL's `SFTConfig`, a tracker's `run.config`."""

from __future__ import annotations

from collections.abc import Mapping

from publisher.evidence.imported.document import Document
from publisher.evidence.imported.fields import ARGUMENTS, LORA, Values, compute_dtype, settled, taken
from publisher.records.facts import Json


def arguments(document: Document) -> Values | None:
    """What the file tells; None where it is another.

    Raises:
        HubpubError: HP-A08.
    """
    found = document.mapping("per_device_train_batch_size")
    return settings_of(document, found) if found else None


def settings_of(document: Document, settings: Mapping[str, Json]) -> Values:
    """The allow-listed settings of a mapping, and those of the LoRA configuration that trackers keep in it."""
    values = settled(taken(document, settings, ARGUMENTS)) | compute_dtype(settings)
    if isinstance(settings.get("resume_from_checkpoint"), str):
        values["resumed"] = True  # which checkpoint is a path
    peft = settings.get("peft_config")
    lora = peft.get("default", peft) if isinstance(peft, dict) else None
    return values | (taken(document, lora, LORA) if isinstance(lora, dict) else {})
