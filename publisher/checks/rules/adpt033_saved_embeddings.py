"""ADPT033 saved-embeddings: the adapter carries embeddings, and not the tokenizer that they belong to.

Why   rows were added or trained for certain tokens; with the base's tokenizer they mean something else. Input and
      output embeddings that are tied in the base also come apart where both are saved.
Fix   `tokenizer.save_pretrained(folder)` beside the adapter; `ensure_weight_tying=True` where the base ties them.

Bad
    adapter_config.json:
        {
          "peft_type": "LORA",
          "modules_to_save": ["embed_tokens"] ←
        }
Good
    adapter_config.json:
        {"peft_type": "LORA", "modules_to_save": ["embed_tokens"]}
    tokenizer.json:
        {}
"""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.observe.files import Files
from publisher.checks.observe.jsons import AdapterConfig
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity

_EMBEDDINGS = frozenset(("embed_tokens", "lm_head", "wte", "word_embeddings", "embed_in", "embed_out"))
_TOKENIZERS = ("tokenizer.json", "tokenizer.model", "tokenizer_config.json", "vocab.json", "spiece.model")


@rule(Severity.WARNING)
def saved_embeddings(adapter: AdapterConfig, files: Files) -> Iterator[Fault]:
    """Report embeddings without a tokenizer; two of them without weight tying are a note."""
    saved = adapter.data.get("modules_to_save")
    embeddings = [name for name in (saved if isinstance(saved, list) else []) if name in _EMBEDDINGS]
    if not embeddings:
        return
    line = adapter.line("modules_to_save")
    if not any(name in files for name in _TOKENIZERS):
        yield Fault(
            f"{' and '.join(embeddings)} are saved, and no tokenizer lies in the repo",
            adapter.path,
            line,
            hint="tokenizer.save_pretrained(folder)",
        )
    elif len(embeddings) > 1 and not adapter.data.get("ensure_weight_tying"):
        yield Fault(
            f"{' and '.join(embeddings)} are saved apart: where the base ties them, merging adds a whole embedding",
            adapter.path,
            line,
            hint="ensure_weight_tying=True keeps them one",
            severity=Severity.NOTE,
        )
