"""TOK067 token-out-of-range: the tokenizer has a token that the model's embedding has no row for.

Why   the token is an index error on the CPU and a crash without a message on a GPU.
Fix   resize the embedding to the tokenizer before training, or ship the tokenizer that belongs to the model.

Bad
    config.json:
        {"vocab_size": 4}
    tokenizer_config.json: ←
        {"added_tokens_decoder": {"4": {"content": "<tool>"}}}
Good
    config.json:
        {"text_config": {"vocab_size": 8}}
    tokenizer_config.json:
        {"added_tokens_decoder": {"4": {"content": "<tool>"}}}
Good
    config.json:
        {"vocab_size": 4}
    tokenizer_config.json:
        {"added_tokens_decoder": {"4": {"content": "<image_soft_token>"}}}
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from publisher.checks.observe.embedding import rows_in, rows_said
from publisher.checks.observe.files import Files
from publisher.checks.observe.jsons import ModelConfig
from publisher.checks.observe.tensors import Headers
from publisher.checks.observe.vocabulary import AddedTokens
from publisher.checks.quoting import quote
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity

# A family's text-only model shares its tokenizer (google/gemma-3-1b has one image token more than rows).
_OTHER_SENSES = re.compile(r"image|audio|video|vision", re.IGNORECASE)


@rule(Severity.ERROR)
def token_out_of_range(
    tokens: AddedTokens, config: ModelConfig, headers: Headers | None, files: Files
) -> Iterator[Fault]:
    """Compare the tokens with the embedding in the files, or with vocab_size where it is packed or elsewhere."""
    rows = next(
        (rows for file in (headers.files if headers else ()) if (rows := rows_in(file.tensors)) is not None),
        rows_said(config),
    )
    if rows is None:
        return
    beyond = [
        token for token, number in tokens.ids.items() if number >= rows and not _OTHER_SENSES.search(token)
    ]
    if beyond:
        yield Fault(
            f"{len(beyond)} tokens have no row in the embedding of {rows:,}, such as {quote(beyond[0])}"
            f" ({tokens.ids[beyond[0]]:,})",
            "tokenizer.json" if "tokenizer.json" in files else "tokenizer_config.json",
            hint="resize the embedding, or ship the model's own tokenizer",
        )
