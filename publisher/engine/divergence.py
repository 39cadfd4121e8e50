"""What quantization costs: how far a model's predictions move from those of the one that it was made of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from publisher.engine import generate
from publisher.engine.chat import Tokenizer, encode_prompt
from publisher.engine.compare import mean_kl, measure
from publisher.engine.generate import FALLBACK_PROMPT, Tensor
from publisher.engine.jobs import Divergence, Emit, JobResult
from publisher.engine.load import Model, load_model, load_tokenizer
from publisher.engine.memory import free
from publisher.records.facts import Measurement

NEW_TOKENS = 24  # greedy tokens behind each prompt: their positions are compared too


def run(job: Divergence, emit: Emit) -> JobResult:
    """Let both models read the same texts: each prompt, and what the full-precision model answers to it.

    Measures the mean Kullback-Leibler divergence of the quantized model's next-token distribution from the full one's,
    in nats per token; the share of positions with the same first choice; the largest difference of a logit.

    Raises:
        HubpubError: HP-E03 from loading; HP-E05, a NaN.
    """
    tokenizer = load_tokenizer(job.full)
    full = load_model(job.full)
    texts = texts_of(full, tokenizer, job.prompts or (FALLBACK_PROMPT,), NEW_TOKENS)
    expected = [generate.read_logits(full, text) for text in texts]
    emit({"step": "full", "done": 1, "total": 2})
    del full
    free()
    quantized = load_model(job.quantized)
    found = [generate.read_logits(quantized, text) for text in texts]
    emit({"step": "quantized", "done": 2, "total": 2})
    return JobResult(tuple(divergence(expected, found, f"validate.{job.kind}", job.against)), {})


def texts_of(model: Model, tokenizer: Tokenizer, prompts: Sequence[str], new_tokens: int) -> list[list[int]]:
    """What two models are compared on, as token ids: each prompt, and what this model answers to it."""
    said = (generate.answer(model, tokenizer, prompt, new_tokens) for prompt in prompts)
    return [encode_prompt(tokenizer, each.prompt) + list(each.token_ids) for each in said]


def divergence(
    expected: list[Tensor], found: list[Tensor], about: str, against: str
) -> Iterator[Measurement]:
    """How far the logits of each text are apart, as facts: `<about>.kl_to_<against>` and so on.

    Raises:
        HubpubError: HP-E05, a NaN.
    """
    difference = measure(expected, found)
    values = {
        "kl": (mean_kl(expected, found), "nats/token"),
        "argmax_agreement": (difference.agreement, None),
        "max_logit_difference": (difference.largest, None),
        "positions": (difference.positions, "tokens"),
    }
    for name, (value, unit) in values.items():
        yield Measurement(f"{about}.{name}_to_{against}", value, unit)
