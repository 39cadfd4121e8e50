"""ADPT034 embedding-rows: the adapter's embedding has fewer rows than its tokenizer has tokens.

Why   a size mismatch when it is loaded, or an index error at the first new token.
Fix   ship the tokenizer that the adapter was trained with.

Bad
    adapter_config.json:
        {"peft_type": "LORA"}
    adapter_model.safetensors (safetensors): ←
        base_model.model.model.embed_tokens.weight F32 4x8
    tokenizer.json:
        {"added_tokens": [{"id": 4, "content": "<tool>"}]}
Good
    adapter_config.json:
        {"peft_type": "LORA"}
    adapter_model.safetensors (safetensors):
        base_model.model.model.embed_tokens.weight F32 8x8
    tokenizer.json:
        {"added_tokens": [{"id": 4, "content": "<tool>"}]}
"""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.observe.embedding import rows_in
from publisher.checks.observe.tensors import AdapterTensors
from publisher.checks.observe.vocabulary import AddedTokens
from publisher.checks.quoting import quote
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity


@rule(Severity.ERROR)
def embedding_rows(tensors: AdapterTensors, tokens: AddedTokens) -> Iterator[Fault]:
    """Compare with the highest token; rows to spare are padding."""
    rows = rows_in(tensors.header.tensors)
    highest = max(tokens.ids, key=lambda token: tokens.ids[token])
    if rows is not None and tokens.ids[highest] >= rows:
        yield Fault(
            f"the embedding has {rows:,} rows, the tokenizer's {quote(highest)} is number {tokens.ids[highest]:,}",
            tensors.header.path,
            hint="ship the tokenizer that the adapter was trained with",
        )
