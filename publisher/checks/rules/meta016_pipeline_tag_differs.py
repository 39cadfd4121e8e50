"""META016 pipeline-tag-differs: `pipeline_tag` names another task than the architecture is made for.

Why   the tag picks widget, example code and search filter. PEFT and TRL write text-generation for every language
      model, also for one that reads images.
Fix   write the task that the hint names.

Bad
    README.md:
        ---
        license: mit
        pipeline_tag: text-generation ←
        ---
    config.json:
        {"architectures": ["Gemma3ForConditionalGeneration"], "vision_config": {}}
Bad
    README.md:
        ---
        license: mit
        pipeline_tag: text-generation ←
        ---
    config.json:
        {"architectures": ["BertForTokenClassification"]}
Good
    README.md:
        ---
        license: mit
        pipeline_tag: image-text-to-text
        ---
    config.json:
        {"architectures": ["Gemma3ForConditionalGeneration"], "vision_config": {}}
"""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.observe.jsons import ModelConfig
from publisher.checks.observe.readme import README, Metadata
from publisher.checks.quoting import quote
from publisher.checks.rule import Edit, Fault, rule
from publisher.records.findings import Severity

# Heads that cannot generate text, whatever they are used for; the other way round much is possible.
_HEADS = {
    "ForSequenceClassification": "text-classification",
    "ForTokenClassification": "token-classification",
    "ForQuestionAnswering": "question-answering",
    "ForImageClassification": "image-classification",
    "ForObjectDetection": "object-detection",
    "ForMaskedLM": "fill-mask",
}


@rule(Severity.WARNING, fixable=True)
def pipeline_tag_differs(card: Metadata, config: ModelConfig) -> Iterator[Fault]:
    """Report text-generation over an architecture that reads images, or that has no head for text."""
    tag = card.get("pipeline_tag")
    if tag is None or tag.data != "text-generation":
        return
    names = config.data.get("architectures")
    architectures = [name for name in names if isinstance(name, str)] if isinstance(names, list) else []
    fitting = next((_HEADS[end] for name in architectures for end in _HEADS if name.endswith(end)), None)
    if "vision_config" in config.data and any(
        name.endswith("ForConditionalGeneration") for name in architectures
    ):
        fitting = "image-text-to-text"
    if fitting is not None:
        yield Fault(
            f"config.json says {quote(architectures[0])}, the card says text-generation",
            README,
            tag.line,
            tag.column,
            hint=f"pipeline_tag: {fitting}",
            edit=Edit(README, tag.line, fitting, tag.column, tag.raw),
        )
