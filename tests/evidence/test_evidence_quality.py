"""Of a stand-in, how much was measured may be said, and how good it is may not."""

from __future__ import annotations

from publisher.evidence.quality import without_quality
from publisher.records.facts import Measurement

GOOD = (
    Measurement("evaluate.merged.loss", 1.5, "nats/token"),
    Measurement("evaluate.merged.perplexity", 4.5),
    Measurement("evaluate.merged.beats_base", True),
    Measurement("evaluate.gguf.q8_0.loss", 1.6, "nats/token"),
    Measurement("evaluate.fp8.beats_base", True),
    Measurement("evaluate.rules.spatial.accuracy", 1.0),
    Measurement("validate.nf4.kl_to_merged", 0.1, "nats"),
    Measurement("validate.gguf.q8_0.argmax_agreement_to_merged", 0.9),
)
HOLDS = (
    Measurement("evaluate.rows", 8, "rows"),
    Measurement("evaluate.confidence", 0.95),
    Measurement("evaluate.nf4.against", "merged"),
    Measurement("evaluate.gguf.q8_0.against", "merged"),
    Measurement("evaluate.gguf.q2_k.unmeasured", "transformers does not read it"),
    Measurement("evaluate.awq.unmeasured", "transformers does not read it"),
    Measurement("evaluate.versions.sacrebleu", "2.5"),
    Measurement("evaluate.merged.chrf", None, status="unknown"),
    Measurement("validate.merged.finite", True),
    Measurement("validate.merged.max_logit_difference", 0.0),
    Measurement("validate.nf4.positions_to_merged", 40, "tokens"),
    Measurement("train.final_loss", 6.5, "nats/token"),
)


def test_what_tells_quality_is_refused_and_keeps_its_id_and_unit() -> None:
    """A template that asks for it finds a fact that says why there is none."""
    found = without_quality(GOOD)

    assert [(m.id, None, m.unit, "refused") for m in GOOD] == [
        (m.id, m.value, m.unit, m.status) for m in found
    ]


def test_what_holds_of_any_model_is_kept() -> None:
    """A merge that does not equal base plus adapter is broken, whatever was merged."""
    assert HOLDS == without_quality(HOLDS)
