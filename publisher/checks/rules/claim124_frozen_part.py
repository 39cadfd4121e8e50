"""CLAIM124 frozen-part: the card calls a part frozen that the adapter has trained.

Why   trained embeddings make the adapter larger by gigabytes and change every token; a reader must know.
Fix   say what was trained: the modules of `target_modules` and of `modules_to_save`.

Bad
    README.md:
        ```
        Gemma
        ├── Embedding Layer (Frozen) ←
        ├── Feed-Forward Network (Frozen) ←
        └── Output Head (Frozen)
        ```
    adapter_config.json:
        {"target_modules": ["q_proj", "gate_proj"], "modules_to_save": ["embed_tokens"]}
Good
    README.md:
        ```
        Gemma
        ├── Embedding Layer (Frozen)
        └── Feed-Forward Network (Frozen)
        ```
    adapter_config.json:
        {"target_modules": ["q_proj", "o_proj"], "modules_to_save": null}
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from publisher.checks.observe.jsons import AdapterConfig
from publisher.checks.observe.lora import is_named, target_names
from publisher.checks.observe.readme import README
from publisher.checks.observe.truths import Truths
from publisher.checks.quoting import quote
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity

_FROZEN = re.compile(r"(.{0,80}?)(?:\(| is | are |: ?)(?:kept )?frozen\b", re.IGNORECASE)
_PARTS = (
    (re.compile(r"\bembedding", re.IGNORECASE), ("embed_tokens", "wte", "word_embeddings")),
    (re.compile(r"\b(?:output|lm)[ _-]head\b", re.IGNORECASE), ("lm_head", "embed_out")),
    (
        re.compile(r"\bfeed-?[ ]?forward\b|\bMLP\b|\bFFN\b", re.IGNORECASE),
        ("gate_proj", "up_proj", "down_proj", "fc1", "fc2", "fc_in", "fc_out"),
    ),
    (
        re.compile(r"\battention\b", re.IGNORECASE),
        ("q_proj", "k_proj", "v_proj", "o_proj", "qkv_proj", "c_attn"),
    ),
)


@rule(Severity.ERROR)
def frozen_part(truths: Truths) -> Iterator[Fault]:
    """Report a line that says frozen of one part, where the configuration trains it."""
    if truths.adapter is None:
        return
    trained = _trained(truths.adapter)
    for passage in truths.claims.outline.passages:
        frozen = _FROZEN.match(passage.text) if "rozen" in passage.text else None
        if frozen is None:
            continue
        parts = [names for word, names in _PARTS if word.search(frozen[1])]
        hit = sorted(
            name for name in trained if len(parts) == 1 and any(is_named(name, each) for each in parts[0])
        )
        if hit:
            yield Fault(
                f"the card calls {quote(frozen[1].strip(), 40)} frozen; adapter_config.json trains {', '.join(hit[:6])}",
                README,
                passage.line,
            )


def _trained(adapter: AdapterConfig) -> tuple[str, ...]:
    saved = adapter.data.get("modules_to_save")
    names = [name for name in saved if isinstance(name, str)] if isinstance(saved, list) else []
    return (*names, *(target_names(adapter) or ()))
