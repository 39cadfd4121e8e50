"""CLAIM122 architecture: the card states another number of layers, heads or another width than the model has.

Why   a wrong number mostly belongs to another model: the card describes one that this is not.
Fix   write what config.json says.

Bad
    README.md:
        ---
        base_model: google/gemma-3-12b-it
        ---
        ```
        Gemma
        ├── 42 Transformer Blocks ←
        └── Output Head
        ```
Bad
    README.md:
        | Attention heads | 16 | ←
        |---|---|
    config.json:
        {"num_attention_heads": 8}
Good
    README.md:
        ---
        base_model: google/gemma-3-12b-it
        ---
        - Layers: 48, of which the first 12 transformer layers stay frozen
        - Hidden size: 3,840
        - KV heads: 8
"""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.known import models as known_models
from publisher.checks.observe.claim_words import Subject
from publisher.checks.observe.claims import Number
from publisher.checks.observe.readme import README
from publisher.checks.observe.truths import Truth, Truths
from publisher.checks.quoting import quote
from publisher.checks.restate import restated
from publisher.checks.rule import Fault, Skip, rule
from publisher.records.findings import Severity

# The subject, the attribute of a known shape, and its names in config.json.
_MEASURES: tuple[tuple[Subject, str, str, tuple[str, ...]], ...] = (
    (
        "layers",
        "layers",
        "layers",
        ("num_hidden_layers", "n_layer", "num_layers", "n_layers", "decoder_layers", "encoder_layers"),
    ),
    ("hidden size", "hidden size", "hidden", ("hidden_size", "n_embd", "d_model", "dim")),
    (
        "heads",
        "attention heads",
        "heads",
        ("num_attention_heads", "n_head", "num_heads", "n_heads", "decoder_attention_heads"),
    ),
    ("kv heads", "KV heads", "kv_heads", ("num_key_value_heads", "n_head_kv", "num_kv_heads")),
)


@rule(Severity.WARNING, fixable=True)
def architecture(truths: Truths) -> Iterator[Fault | Skip]:
    """An error where config.json proves it. Of several numbers of one kind, one that fits excuses the others."""
    unknown: list[str] = []
    for subject, words, attribute, keys in _MEASURES:
        stated = [number for number in truths.claims.of(subject) if number.high]
        if not stated:
            continue
        true = truths.shape_number(attribute, *keys)
        if not true:
            unknown.append(words)
        elif not any(number.agrees(truth.value) for number in stated for truth in true):
            yield _fault(stated[0], words, true, truths, alone=len(stated) == 1)
    if unknown:
        yield Skip(f"the model's true number of {', '.join(unknown)} is not known here")


def _fault(number: Number, words: str, true: tuple[Truth, ...], truths: Truths, *, alone: bool) -> Fault:
    proven = true[0].source.startswith("config.json")
    facts = "; ".join(f"{truth.source} {truth.value:,.0f}" for truth in true[:3])
    base = truths.base
    owners = ""
    if words == "layers" and base is not None:
        same = [family.id(shape) for family, shape in known_models.with_layers(base.name, int(number.value))]
        owners = (
            f"{' and '.join(same)} {'has' if len(same) == 1 else 'have'} {number.value:.0f}; " if same else ""
        )
    shown = number.text if words in number.text.lower() or " " in number.text else f"{number.text} {words}"
    return Fault(
        f"the card says {quote(shown)}; {owners}{facts}",
        README,
        number.line,
        number.column,
        hint=f"write {true[0].value:,.0f}" if true[0].sure else "say which base it was, and write its number",
        severity=Severity.ERROR if proven else None,
        edit=restated(number, true[0].value) if proven and alone and len(true) == 1 else None,
    )
