"""What evaluate measures of a model: each metric by the end of its fact's id, how it is shown, and which way is better."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

PREFIX = "evaluate."
GGUF = "gguf."  # of GGUF each file is a kind by itself: `gguf.q8_0`
UNMEASURED = "unmeasured"  # the fact `evaluate.KIND.unmeasured` says why a model could not be

_OF_KIND = re.compile(r"evaluate\.(?P<kind>(?:gguf\.)?\w+)\.(?P<rest>.+)")


@dataclass(frozen=True)
class Metric:
    """One metric.

    Attributes:
        id: what follows `evaluate.KIND.` in its fact's id.
        title: what people call it, its unit in brackets; chrF, ROUGE-L and self-BLEU are out of a hundred.
        better: which way is better; None where neither is in itself.
        decimals: how many are shown; of a share, of its percentage.
        hub_type: its type in a card's `model-index`; None where it is not listed there.
        share: it is a share, 0..1, and shown as a percentage.
    """

    id: str
    title: str
    better: Literal["lower", "higher"] | None
    decimals: int
    hub_type: str | None = None
    share: bool = False


# In the order in which tables show them.
METRICS = (
    Metric("loss", "Loss (nats/token)", "lower", 4, "loss"),
    Metric("perplexity", "Perplexity", "lower", 2, "perplexity"),
    Metric("general.loss", "Loss on general text (nats/token)", "lower", 4),
    Metric("general.perplexity", "Perplexity on general text", "lower", 2),
    Metric("chrf", "chrF", "higher", 1, "chrf"),
    Metric("rouge_l", "ROUGE-L", "higher", 1, "rouge"),
    Metric("json_valid", "Valid JSON", "higher", 0, "accuracy", share=True),
    Metric("spatial.accuracy", "Picks exactly the intended item", "higher", 0, "accuracy", share=True),
    Metric("spatial.unique", "Fits exactly one item", "higher", 0, share=True),
    Metric("spatial.readable", "Can be read by the grammar", None, 0, share=True),
    Metric("likelihood", "Log-likelihood under the base model (nats/token)", None, 4),
    Metric("distinct_1", "Distinct words", None, 2),
    Metric("distinct_2", "Distinct pairs of words", None, 2),
    Metric("self_bleu", "Self-BLEU", None, 1),
    Metric("vocabulary", "Vocabulary (words)", None, 0),
    Metric("cut_off", "Cut off at the token limit", "lower", 0, share=True),
)


def metric_of(fact_id: str) -> tuple[str, Metric] | None:
    """The kind of model and the metric that a fact's id names; None where it is no metric's value."""
    kind, rest = parts_of(fact_id)
    found = next((metric for metric in METRICS if metric.id == rest), None)
    return (kind, found) if found else None


def parts_of(fact_id: str) -> tuple[str, str]:
    """`evaluate.gguf.q8_0.loss_low` → `gguf.q8_0`, `loss_low`; empty where an id speaks of no kind of model."""
    match = _OF_KIND.fullmatch(fact_id)
    return (match["kind"], match["rest"]) if match else ("", "")


def gguf_kinds(fact_ids: Iterable[str]) -> tuple[str, ...]:
    """The GGUF files that facts speak of, in their order: `gguf.q8_0`."""
    kinds = (parts_of(fact_id)[0] for fact_id in fact_ids)
    return tuple(dict.fromkeys(kind for kind in kinds if kind.startswith(GGUF)))


def fact_ids(kind: str) -> Iterator[tuple[Metric, str]]:
    """Each metric with the id of its fact for one kind of model."""
    return ((metric, f"{PREFIX}{kind}.{metric.id}") for metric in METRICS)


def perplexity(loss: float) -> float:
    """The exponential of a loss in nats per token, as large as a float can be."""
    return math.exp(min(loss, 700.0))
