"""CFG056 context-longer: the tokenizer allows longer texts than the model has positions for.

Why   texts between the two lengths are taken without a warning, and the model was not made for them.
Fix   set `model_max_length` to the model's `max_position_embeddings`, or ship the rope scaling that reaches further.

Bad
    config.json:
        {"max_position_embeddings": 4096}
    tokenizer_config.json:
        {
          "model_max_length": 131072 ←
        }
Good
    config.json:
        {"max_position_embeddings": 4096}
    tokenizer_config.json:
        {"model_max_length": 1000000000000000019884624838656}
Good
    config.json:
        {"max_position_embeddings": 4096, "rope_scaling": {"rope_type": "yarn", "factor": 4.0}}
    tokenizer_config.json:
        {"model_max_length": 16384}
"""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.observe.jsons import ModelConfig, TokenizerConfig
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity

_NO_LIMIT = 10**9  # transformers writes 10**30 where it knows none


@rule(Severity.NOTE)
def context_longer(config: ModelConfig, tokenizer: TokenizerConfig) -> Iterator[Fault]:
    """Report a stated length beyond the positions, without any scaling; "no limit" is no statement."""
    inner = config.data.get("text_config")
    data = inner if isinstance(inner, dict) else config.data
    positions, longest = data.get("max_position_embeddings"), tokenizer.data.get("model_max_length")
    scaled = bool(data.get("rope_scaling")) or "factor" in str(data.get("rope_parameters"))
    if type(positions) is not int or type(longest) is not int or scaled:
        return
    if positions < longest < _NO_LIMIT:
        yield Fault(
            f"model_max_length is {longest:,}, config.json has {positions:,} positions",
            tokenizer.path,
            tokenizer.line("model_max_length"),
            hint=f'"model_max_length": {positions}, or add rope scaling',
        )
