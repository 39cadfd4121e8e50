"""The words by which a card's numbers are known: labels in front of them, phrases around them, units behind them."""

from __future__ import annotations

import re
from typing import Literal

Subject = Literal[
    "layers",
    "hidden size",
    "heads",
    "kv heads",
    "parameters",
    "trainable",
    "rank",
    "alpha",
    "dropout",
    "context",
    "rows",
]

_NUMBER = r"(?P<number>\d{1,3}(?:,\d{3}){1,4}|\d{1,12}(?:\.\d{1,6})?)"
_UNIT = r"(?:[ \t-]?(?P<unit>K|M|B|T|thousand|million|billion|trillion)(?![A-Za-z0-9]))?"
VALUE = re.compile(
    rf"(?P<about>~|≈|approximately |approx\. |about |around |nearly |over )?{_NUMBER}{_UNIT}", re.IGNORECASE
)
UNITS = {
    "k": 1e3,
    "m": 1e6,
    "b": 1e9,
    "t": 1e12,
    "thousand": 1e3,
    "million": 1e6,
    "billion": 1e9,
    "trillion": 1e12,
}

LABELS: tuple[tuple[Subject, re.Pattern[str]], ...] = tuple(
    (subject, re.compile(rf"(?:{pattern})", re.IGNORECASE))  # type: ignore[misc]
    for subject, pattern in (
        (
            "layers",
            r"(?:number of |num |no\. of )?(?:(?:transformer|hidden|decoder) )?(?:layers|blocks)|num_hidden_layers|n_layers?",
        ),
        ("hidden size", r"hidden[ _](?:size|dim|dimension)|embedding dimension|d_model|model dimension"),
        (
            "heads",
            r"(?:number of |num )?(?:attention|query) heads(?: \(q\))?|num_attention_heads|n_heads?",
        ),
        ("kv heads", r"(?:number of |num )?(?:kv|key[-/ ]value) heads|num_key_value_heads"),
        (
            "parameters",
            r"(?:total |number of |model )?param(?:eter)?s(?: count)?|(?:total )?parameter count|model size",
        ),
        ("trainable", r"(?:number of )?trainable param(?:eter)?s|(?:q?lora) param(?:eter)?s"),
        ("rank", r"(?:lora )?rank(?: ?\(r\))?|lora[_ ]r|r|lora[_ ]rank"),
        ("alpha", r"(?:lora[_ ])?alpha(?: ?\(α\))?"),
        ("dropout", r"lora[_ ]dropout"),
        ("context", r"(?:max(?:imum)? )?context(?: (?:length|window|size))|max_position_embeddings"),
        (
            "rows",
            r"(?:total |total number of |number of )(?:rows|samples|examples|instances|records)",
        ),
    )
)
PHRASES: tuple[tuple[Subject, re.Pattern[str]], ...] = (
    (
        "layers",
        re.compile(
            r"(?<![\w.,-])(?P<number>\d{1,3})[ -](?:transformer|decoder|hidden)[ -](?:layers?|blocks?)(?!\w)",
            re.IGNORECASE,
        ),
    ),
    (
        "rank",
        re.compile(r"(?<![\w.])(?:r|rank)(?: ?= ?| of | )(?P<number>\d{1,4})(?![\w.]*\d)", re.IGNORECASE),
    ),
    (
        "alpha",
        re.compile(r"(?<![A-Za-z.])alpha(?: ?= ?| of | )(?P<number>\d{1,4})(?![\w.]*\d)", re.IGNORECASE),
    ),
    (
        "rows",
        re.compile(
            rf"\b(?:trained|fine-?tuned|data ?set (?:contains|comprises|consists of|has|size:)) (?:on )?"
            rf"(?:a total of |only |exactly )?(?P<about>~|≈|about )?{_NUMBER}{_UNIT} (?:[a-z][\w-]{{1,20}} ){{0,2}}"
            r"(?:rows|samples|examples|instances|records)(?!\w)",
            re.IGNORECASE,
        ),
    ),
    ("heads", re.compile(r"(?<![\w.,-])(?P<number>\d{1,3})[ -]attention[ -]heads?(?!\w)", re.IGNORECASE)),
    (
        "trainable",
        re.compile(
            rf"(?P<about>~|≈|about )?(?<![\w.,]){_NUMBER}{_UNIT}\s+trainable\s+(?:lora\s+)?param(?:eter)?s(?!\w)",
            re.IGNORECASE,
        ),
    ),
)
