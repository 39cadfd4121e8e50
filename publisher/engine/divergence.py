"""What quantization costs: how far a model's predictions move from those of the one that it was made of."""

from __future__ import annotations

from publisher.engine import generate
from publisher.engine.chat import encode_prompt
from publisher.engine.compare import mean_kl, measure
from publisher.engine.generate import FALLBACK_PROMPT
from publisher.engine.jobs import Divergence, Emit, JobResult
from publisher.engine.load import load_model, load_tokenizer
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
    texts = []
    for prompt in job.prompts or (FALLBACK_PROMPT,):
        said = generate.answer(full, tokenizer, prompt, NEW_TOKENS)
        texts.append(encode_prompt(tokenizer, prompt) + list(said.token_ids))
    expected = [generate.read_logits(full, text) for text in texts]
    emit({"step": "full", "done": 1, "total": 2})
    del full
    free()
    quantized = load_model(job.quantized)
    found = [generate.read_logits(quantized, text) for text in texts]
    emit({"step": "quantized", "done": 2, "total": 2})
    difference = measure(expected, found)
    values = {
        "kl": (mean_kl(expected, found), "nats/token"),
        "argmax_agreement": (difference.agreement, None),
        "max_logit_difference": (difference.largest, None),
        "positions": (difference.positions, "tokens"),
    }
    measured = tuple(
        Measurement(f"validate.{job.kind}.{name}_to_{job.against}", value, unit)
        for name, (value, unit) in values.items()
    )
    return JobResult(measured, {})
