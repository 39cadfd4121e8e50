"""TOK060 vocabulary: the tokenizer's vocabulary is missing, or cannot be read.

Why   `AutoTokenizer.from_pretrained` fails; tokenizer_config.json alone holds no vocabulary.
Fix   `tokenizer.save_pretrained(folder)` beside the weights.

Bad
    config.json:
        {"architectures": ["LlamaForCausalLM"]}
    tokenizer_config.json: ←
        {"tokenizer_class": "LlamaTokenizer"}
Bad
    tokenizer.json: ←
        {"version": "1.0", "model": {"type": "BPE", "vocab": {"a": 0
Bad
    tokenizer.json: ←
        {"a": 0, "b": 1}
Good
    tokenizer_config.json:
        {"tokenizer_class": "LlamaTokenizer"}
    tokenizer.json:
        {"version": "1.0", "model": {"type": "BPE", "vocab": {"a": 0}, "merges": []}}
Good
    config.json:
        {"architectures": ["T5ForConditionalGeneration"]}
    tokenizer_config.json:
        {"tokenizer_class": "ByT5Tokenizer"}
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from publisher.checks.observe.files import Files, RepoKind
from publisher.checks.observe.jsons import TokenizerConfig
from publisher.checks.observe.vocabulary import TokenizerFile
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity

# Any file that may hold a vocabulary: names differ with the tokenizer, and a new one is no fault.
_VOCABULARY = re.compile(
    r"(?:.*/)?(?:.*tokenizer.*\.(?:json|model)|.*vocab.*|.*\.(?:model|spm|tiktoken|bpe|codes)|tekken\.json|merges\.txt|tokenizer.*\.py)"
)
_BYTES = (
    "ByT5",
    "Canine",
    "Perceiver",
    "Byte",
    "Char",
    "MistralCommon",
)  # no vocabulary, or one from elsewhere


@rule(Severity.ERROR)
def vocabulary(
    files: Files, kind: RepoKind, file: TokenizerFile | None, tokenizer: TokenizerConfig | None
) -> Iterator[Fault]:
    """Report a tokenizer.json that is none, and a model's tokenizer_config.json without any vocabulary."""
    if file is not None:
        if file.fault is not None:
            # Beside a tokenizer_config.json it is transformers' own; other tools have files of that name too.
            severity = None if tokenizer is not None else Severity.WARNING
            yield Fault(file.fault, file.path, hint="tokenizer.save_pretrained(folder)", severity=severity)
        return
    if tokenizer is None or kind is not RepoKind.MODEL or tokenizer.data.get("auto_map"):
        return
    name = str(tokenizer.data.get("tokenizer_class"))
    others = (entry.path for entry in files if entry.path != tokenizer.path)
    if not name.startswith(_BYTES) and not any(_VOCABULARY.fullmatch(path) for path in others):
        yield Fault(
            "a tokenizer without a vocabulary: no tokenizer.json, no tokenizer.model, no vocab file",
            tokenizer.path,
            hint="tokenizer.save_pretrained(folder)",
        )
