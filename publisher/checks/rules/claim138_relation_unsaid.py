"""CLAIM138 relation-unsaid: a card of a LoRA fine-tune does not say whether the repo holds an adapter or a merged model.

Why   an adapter needs its base and PEFT, a merged model neither: without the word nobody knows how to load it.
Fix   say it, and set `base_model_relation: adapter` or `finetune`.

Bad
    README.md:
        ---
        license: gemma
        tags: [x]
        ---
        # Aerial: QLoRA fine-tuned model ←
        It was trained with QLoRA.
Good
    README.md:
        ---
        license: gemma
        base_model_relation: adapter
        ---
        # Aerial: QLoRA fine-tuned model
Good
    README.md:
        ---
        license: gemma
        ---
        # Aerial: QLoRA fine-tuned model
        This repo holds the merged weights.
Good
    README.md:
        ---
        license: gemma
        ---
        # Cap meme
        The LoRA itself was trained with one token.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from publisher.checks.observe.claims import Claims
from publisher.checks.observe.files import RepoKind
from publisher.checks.observe.readme import README, Metadata, Readme
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity

_LORA = re.compile(r"\bQ?LoRA\b")
_TRAINED = re.compile(r"fine-?tun|\btrained\b|\badapted\b", re.IGNORECASE)
_SAID = re.compile(
    r"\badapters?\b|\bmerg(?:e|ed|ing)\b|PeftModel|\bpeft\b|merge_and_unload|load_lora|\bGGUF\b|\b(?:this|the) LoRA\b",
    re.IGNORECASE,
)


@rule(Severity.WARNING)
def relation_unsaid(readme: Readme, card: Metadata, claims: Claims, kind: RepoKind) -> Iterator[Fault]:
    """Report only cards without files: where the files are there, they answer the question."""
    if kind is not RepoKind.CARD or card.get("base_model_relation") is not None:
        return
    for passage in claims.outline.passages:
        if _LORA.search(passage.text) and _TRAINED.search(passage.text):
            if _SAID.search(readme.text):
                return
            yield Fault(
                "a LoRA was trained, and the card does not say whether this repo holds the adapter or a merged model",
                README,
                passage.line,
                hint="say it, and set base_model_relation: adapter, or finetune",
            )
            return
