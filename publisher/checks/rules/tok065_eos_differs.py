"""TOK065 eos-differs: tokenizer and generation configuration disagree on the token that ends a text.

Why   what one end writes the other does not recognise: generation runs on, or training masks the wrong token.
Fix   make `eos_token_id` in generation_config.json hold the number of the tokenizer's `eos_token`.

Bad
    tokenizer_config.json:
        {"eos_token": "</s>", "added_tokens_decoder": {"2": {"content": "</s>"}}}
    generation_config.json:
        {
          "eos_token_id": 7 ←
        }
Good
    tokenizer_config.json:
        {"eos_token": {"content": "</s>"}, "added_tokens_decoder": {"2": {"content": "</s>"}}}
    generation_config.json:
        {"eos_token_id": [7, 2]}
"""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.mending import add_number
from publisher.checks.observe.jsons import GenerationConfig, ModelConfig, TokenizerConfig
from publisher.checks.observe.vocabulary import AddedTokens, token_ids, token_text
from publisher.checks.quoting import quote
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity


@rule(Severity.WARNING, fixable=True)
def eos_differs(
    tokenizer: TokenizerConfig,
    tokens: AddedTokens,
    generation: GenerationConfig | None,
    config: ModelConfig | None,
) -> Iterator[Fault]:
    """Compare with generation_config.json, or with config.json where there is none: what generate() reads."""
    file = generation if generation is not None else config
    eos = token_text(tokenizer.data.get("eos_token"))
    if file is None or eos is None or eos not in tokens.ids:
        return
    stops = token_ids(file, "eos_token_id")
    number = tokens.ids[eos]
    if stops and number not in stops:
        yield Fault(
            f"the tokenizer ends a text with {quote(eos)} ({number}), {file.path} with {sorted(stops)[:5]}",
            file.path,
            file.line("eos_token_id"),
            hint=f'"eos_token_id": {sorted(stops | {number})}, or correct eos_token',
            edit=add_number(file, "eos_token_id", number),
        )
