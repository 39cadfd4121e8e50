"""evaluate: held-out numbers of base, adapter, merged and whatever was quantized, on the same rows and questions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from publisher.data.metrics.measure import Answers, Losses, baselines, measure_answers, measure_losses
from publisher.data.metrics.questions import Question, read_questions
from publisher.engine.jobs import Evaluate, JobResult, Likelihood
from publisher.evidence.quality import without_quality
from publisher.evidence.record import record
from publisher.manifest.evaluation import EvaluateSettings
from publisher.manifest.project import ReleasePaths
from publisher.manifest.schema import Manifest
from publisher.pipeline.inputs import GivenGeneral
from publisher.pipeline.services import Engine
from publisher.records.facts import Json
from publisher.records.runs import (
    Adapter,
    Base,
    Dataset,
    Evaluation,
    Ggufs,
    Merged,
    Quantized,
    Variants,
    each_of,
)
from publisher.weights.stand_in import is_stand_in


@dataclass(frozen=True)
class Structured:
    """Whether the manifest's own prompts expect JSON, so that answers are to be."""

    json: bool

    @classmethod
    def of(cls, manifest: Manifest) -> Structured:
        """What a manifest says of it."""
        return cls(any(prompt.expect.json_ for prompt in manifest.smoke))


def evaluate(
    paths: ReleasePaths,
    engine: Engine,
    settings: EvaluateSettings,
    structured: Structured,
    base: Base,
    dataset: Dataset,
    general: GivenGeneral | None,
    adapter: Adapter | None,
    merged: Merged | None,
    quantized: Quantized | None,
    ggufs: Ggufs | None,
    variants: Variants | None,
) -> Evaluation:
    """Loss and perplexity of held-out rows and of general text, and what the answers to held-out questions are worth.

    What transformers does not read on this machine is unknown, and the facts say why.
    """
    data = Path(dataset.artifact.folder) / "data"
    questions = read_questions(data, settings.answers)
    rows = tuple(question.row for question in questions)
    job = Evaluate(
        data=str(data),
        base=base.artifact.folder,
        adapter=adapter.artifact.folder if adapter else None,
        merged=merged.artifact.folder if merged else None,
        nf4=quantized.artifact.folder if quantized else None,
        max_rows=settings.rows,
        answer_rows=rows,
        max_new_tokens=settings.max_new_tokens,
        general=general.lines if general else (),
        variants={made.artifact.kind: made.artifact.folder for made in each_of(variants)},
        gguf=ggufs.artifact.folder if ggufs else None,
    )
    ran = engine.run(job)
    measured = [*ran.measured, *measure_losses(_losses(ran, "row"), _losses(ran, "general"))]
    if questions and ran.details["answers"]:  # models that do not fit in memory are asked nothing
        answers = _answers(engine, job, questions, ran.details["answers"])
        measured += measure_answers(answers, json_expected=structured.json)
    told = without_quality(measured) if is_stand_in(base.artifact.folder) else measured
    return Evaluation(record("evaluate", told, paths.evidence))


def _losses(ran: JobResult, name: str) -> Losses:
    of = {kind: tuple(losses) for kind, losses in ran.details[f"{name}_losses"].items()}
    return Losses(tuple(ran.details.get(f"{name}_tokens", ())), of)


def _answers(engine: Engine, job: Evaluate, questions: tuple[Question, ...], said: Json) -> Answers:
    """Everything that was said to the questions, the data's own words among it, and how likely the base finds it."""
    texts = {**baselines(questions), **{kind: tuple(answers) for kind, answers in said.items()}}
    likely = engine.run(Likelihood(job.base, job.data, job.answer_rows, texts)).details
    return Answers(questions, texts, {who: _likelihoods(likely[who]) for who in texts})


def _likelihoods(found: Mapping[str, Json]) -> tuple[tuple[float, int], ...]:
    return tuple(zip(found["nats"], found["tokens"], strict=True))
