"""Which facts a partial needs, and what it means when one is not there.

A partial's first line may say `{# needs: train.lora.r, train.final_loss #}`. `{kind}` in an id stands for the
artifact that the card is about. If nothing of that part of the release was measured, the partial has nothing to
speak of and vanishes. If something was, but not this fact, that is a fault of the stage, and we say of which.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from publisher.card.evaluated import kinds_in
from publisher.card.templates import Template
from publisher.card.view import CardInput
from publisher.errors import HubpubError
from publisher.records.facts import StatedSource
from publisher.records.forms import FORMS
from publisher.records.metrics import PREFIX

KIND = "{kind}"
NEEDS = re.compile(r"\A\{#-?\s*needs:(?P<ids>[^#]*?)-?#\}")

# The first part of an id, the stage that measures such facts, and the command that runs it alone.
STAGES: dict[str, tuple[str, str]] = {
    "base": ("resolve", "release {name} --until resolve"),
    "dataset": ("dataset", "dataset build {name}"),
    "train": ("train", "train {name}"),
    "adapter": ("train", "train {name}"),
    "merged": ("merge", "merge {name}"),
    "nf4": ("quantize", "quantize {name}"),
    "gguf": ("gguf", "release {name} --until gguf"),
    **dict.fromkeys(FORMS, ("variants", "release {name} --until variants")),
    "validate": ("validate", "validate {name}"),
    "evaluate": ("evaluate", "evaluate {name}"),
    "lm_eval": ("benchmarks", "release {name} --until benchmarks"),
    "changes": ("changes", "release {name} --until changes"),
}


def needed(template: Template, card: CardInput) -> tuple[str, ...]:
    """The fact ids that a template declares, for this card."""
    match = NEEDS.match(template.text)
    if match is None:
        return ()
    ids = (part.strip() for part in match["ids"].replace("\n", " ").split(","))
    return tuple(spelled for fact_id in ids if fact_id for spelled in _spelled(fact_id, card))


def _spelled(fact_id: str, card: CardInput) -> Iterator[str]:
    """An id with its kind: of an evaluation, GGUF files are a kind each."""
    evaluation = fact_id.startswith(PREFIX + KIND)
    kinds = kinds_in(card.kind, card.facts) if evaluation else (card.kind,)
    return (fact_id.replace(KIND, kind) for kind in kinds) if KIND in fact_id else iter((fact_id,))


def applies(template: Template, card: CardInput) -> bool:
    """Whether a partial has something to speak of in this release.

    Raises:
        HubpubError: HP-C01, a stage ran and did not measure a fact that the partial needs.
    """
    ids = needed(template, card)
    if not all(_measured(_group(fact_id), card) for fact_id in ids):
        return False
    for fact_id in ids:
        if fact_id not in card.facts:
            raise missing(fact_id, card, where=f"{template.path}:1", template=template.name)
    return True


def missing(fact_id: str, card: CardInput, *, where: str, template: str) -> HubpubError:
    """The error for a fact that no stage measured."""
    first = fact_id.partition(".")[0]
    stage, command = STAGES.get(first, (first, "release {name}"))
    measured = [card.facts[other].stage for other in _measured(_group(fact_id), card)]
    if measured:
        stage = max(sorted(set(measured)), key=measured.count)
    return HubpubError(
        "HP-C01",
        f"{template} needs the fact {fact_id}, which the stage {stage} did not measure",
        where=where,
        hint=f"measure it: hubpub {command.format(name=card.name)}"
        if stage != "imported"
        else f"name a file that tells it under training_run:, or write {fact_id} under stated:",
        fact=fact_id,
        stage=stage,
        template=template,
        artifact=card.kind,
    )


def _group(fact_id: str) -> str:
    """`validate.adapter.finite` → `validate.adapter.`: each artifact is validated, or not, for itself."""
    parts = fact_id.split(".")
    return ".".join(parts[: 2 if parts[0] == "validate" and len(parts) > 2 else 1]) + "."


def _measured(group: str, card: CardInput) -> list[str]:
    return [
        fact_id
        for fact_id, fact in card.facts.items()
        if fact_id.startswith(group) and not isinstance(fact.source, StatedSource)
    ]


def quoted(text: str) -> Iterator[re.Match[str]]:
    """Facts that prose quotes: `{{ train.final_loss }}` or, in another form, `{{ train.final_loss | number }}`."""
    for match in QUOTE.finditer(text):
        if match["id"].partition(".")[0] in STAGES:
            yield match


QUOTE = re.compile(r"\{\{\s*(?P<id>[a-z]\w*(?:\.\w+)+)\s*(?:\|\s*(?P<form>\w+)\s*)?\}\}")
