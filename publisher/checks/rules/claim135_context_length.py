"""CLAIM135 context-length: the card promises a longer context than the model has positions for.

Why   beyond its positions a model writes nonsense, and says nothing of it.
Fix   write `max_position_embeddings`; ship the rope scaling that the longer context needs.

Bad
    README.md:
        - **Context length**: 128K tokens ←
    config.json:
        {"max_position_embeddings": 8192}
Bad
    README.md:
        - **Context window**: 32,768 tokens ←
    adapter_config.json:
        {}
    evidence/facts.json:
        {"facts": [
        {"id": "base.context_length", "value": 8192, "status": "known", "source": {"stated": "by hand"}}
        ]}
Good
    README.md:
        - **Context length**: 8K
        - **Sequence length**: 2048, in training
    config.json:
        {"max_position_embeddings": 8192}
Good
    README.md:
        - **Context length**: 128K
    config.json:
        {"max_position_embeddings": 32768, "rope_scaling": {"rope_type": "yarn", "factor": 4.0}}
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from publisher.checks.observe.readme import README
from publisher.checks.observe.stated import StatedFacts
from publisher.checks.observe.truths import Truths
from publisher.checks.quoting import quote
from publisher.checks.rule import Fault, Skip, rule
from publisher.records.facts import Json
from publisher.records.findings import Severity

_KEYS = ("max_position_embeddings", "n_positions", "max_seq_len")
_THOUSAND = 1000 / 1024  # 128K is 131,072 for some and 128,000 for others


@rule(Severity.WARNING)
def context_length(truths: Truths, facts: StatedFacts | None) -> Iterator[Fault | Skip]:
    """Compare where positions are learnt or rotated without any scaling; a shorter context is the author's choice."""
    stated = [number for number in truths.claims.of("context") if number.high]
    if not stated:
        return
    positions, source = truths.configured(*_KEYS), "config.json has"
    if truths.config is None and facts is not None:
        measured = facts.value("base.context_length")
        positions, source = (measured,) if type(measured) is int else (), "its base has"
    if not positions:
        yield Skip("no config.json says how many positions the model has")
    elif truths.config is None or not _is_scaled(truths.config.data):
        number = min(stated, key=lambda number: number.value)
        if number.value * (_THOUSAND if number.unit else 1) > max(positions):
            yield Fault(
                f"the card says {quote(number.text)}, {source} {max(positions):,} positions",
                README,
                number.line,
                number.column,
                hint=f"write {max(positions):,}, or add rope scaling",
            )


def _is_scaled(config: Mapping[str, Json]) -> bool:
    inner = config.get("text_config")
    parts = [config, inner if isinstance(inner, dict) else {}]
    return any(part.get("rope_scaling") or "factor" in str(part.get("rope_parameters")) for part in parts)
