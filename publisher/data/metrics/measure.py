"""From per-row numbers and answers to what the card says: every metric that the data allow, its interval, its paired test."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata

from publisher.data.aerial.pointing import point
from publisher.data.metrics.overlap import chrf, rouge_l
from publisher.data.metrics.questions import Question
from publisher.data.metrics.resampling import (
    CONFIDENCE,
    RESAMPLES,
    TEST,
    Difference,
    Scores,
    difference,
    interval,
)
from publisher.data.metrics.variety import distinct, self_bleu, vocabulary
from publisher.records.facts import Measurement, Status
from publisher.records.metrics import perplexity

# What answers are held against that no model of the release gave.
REFERENCES, RULES = "references", "rules"
PACKAGES = ("scipy", "sacrebleu", "rouge-score")

# What each model is held against, the first that is there: a quantized one against what it was made from.
RIVALS: dict[str, tuple[str, ...]] = {"adapter": ("base",), "merged": ("base",)}
TUNED = frozenset(RIVALS)  # a base that was quantized and nothing else has nothing to be better by
QUANTIZED_FROM = ("merged", "base")

LOSS_UNIT = "nats/token"


@dataclass(frozen=True)
class Losses:
    """Summed loss of each row in nats, by model; and the tokens that each row has for all of them."""

    tokens: tuple[int, ...]
    of: Mapping[str, tuple[float, ...]]


@dataclass(frozen=True)
class Answers:
    """What was said to the questions, in their order, by whom; and how likely the base model finds each text.

    `likelihoods`: by whom, log-likelihood in nats and tokens of each text.
    """

    questions: tuple[Question, ...]
    texts: Mapping[str, tuple[str, ...]]
    likelihoods: Mapping[str, tuple[tuple[float, int], ...]]


def baselines(questions: Sequence[Question]) -> dict[str, tuple[str, ...]]:
    """What the data itself says to each question: a reference, and an expression by rule where every question has one."""
    found = {REFERENCES: tuple(question.references[0] for question in questions)}
    if questions and all(question.by_rule for question in questions):
        found[RULES] = tuple(question.by_rule[0] for question in questions)
    return found


def rival_of(kind: str, among: Mapping[str, object]) -> str | None:
    """The model that another one is held against; None for the base, and where there is none."""
    if kind in ("base", REFERENCES, RULES):
        return None
    return next((other for other in RIVALS.get(kind, QUANTIZED_FROM) if other in among), None)


def measure_losses(held_out: Losses, general: Losses) -> Iterator[Measurement]:
    """How sure loss and perplexity of each model are, what its loss is beside its rival's, and whether it beats the base."""
    yield Measurement("evaluate.confidence", CONFIDENCE)
    yield Measurement("evaluate.resamples", RESAMPLES, "resamples")
    yield Measurement("evaluate.test", TEST)
    for package in PACKAGES:
        yield Measurement(f"evaluate.versions.{package.replace('-', '_')}", metadata.version(package))
    scores = _of_losses(held_out)
    for kind, found in scores.items():
        yield from _loss_bounds(kind, "", found)
        rival = rival_of(kind, scores)
        if rival is not None:
            yield Measurement(f"evaluate.{kind}.against", rival)
        if rival is not None and TUNED & scores.keys():
            yield Measurement(f"evaluate.{kind}.beats_base", found.mean < scores["base"].mean)
    yield from _differences("loss", scores, LOSS_UNIT)
    elsewhere = _of_losses(general)
    for kind, found in elsewhere.items():
        yield from _loss_bounds(kind, "general.", found)
    yield from _differences("general.loss", elsewhere, LOSS_UNIT)


def measure_answers(answers: Answers, *, json_expected: bool) -> Iterator[Measurement]:
    """Wording, variety, validity and aim of what was said, as far as the data tell what is right."""
    known = [question.references for question in answers.questions]
    models = {who: texts for who, texts in answers.texts.items() if who != REFERENCES}
    yield from _all("chrf", {who: Scores.of_rows(chrf(said, known)) for who, said in models.items()})
    yield from _all("rouge_l", {who: Scores.of_rows(rouge_l(said, known)) for who, said in models.items()})
    if json_expected or all(is_json(text) for texts in known for text in texts):
        flags = {who: Scores.of_flags([is_json(text) for text in said]) for who, said in models.items()}
        yield from _all("json_valid", flags)
    yield from _aim(answers)
    likely = {
        who: Scores(tuple(nats for nats, _ in found), tuple(float(tokens) for _, tokens in found))
        for who, found in answers.likelihoods.items()
    }
    for who, found in likely.items():
        yield from _value(who, "likelihood", found, LOSS_UNIT)
    for who, texts in answers.texts.items():
        yield from _variety(who, texts)


def is_json(text: str) -> bool:
    """Whether a text is a JSON object or array and nothing else: a bare number or word is no structure."""
    try:
        return isinstance(json.loads(text), dict | list)
    except (ValueError, RecursionError):
        return False


def _of_losses(losses: Losses) -> dict[str, Scores]:
    weights = tuple(map(float, losses.tokens))
    return {kind: Scores(tuple(of_rows), weights) for kind, of_rows in losses.of.items()}


def _loss_bounds(kind: str, where: str, scores: Scores) -> Iterator[Measurement]:
    bounds = interval(scores)
    yield from _bounds(f"evaluate.{kind}.{where}loss", bounds, LOSS_UNIT)
    limits = None if bounds is None else (perplexity(bounds[0]), perplexity(bounds[1]))
    yield from _bounds(f"evaluate.{kind}.{where}perplexity", limits, None)


def _aim(answers: Answers) -> Iterator[Measurement]:
    targets = [question.target for question in answers.questions]
    located = sum(target is not None for target in targets)
    if not located:
        return
    yield Measurement("evaluate.spatial.answers", located, "answers")
    pointed = {
        who: [point(target, text) for target, text in zip(targets, said, strict=True) if target is not None]
        for who, said in answers.texts.items()
    }
    for name, flag in (("accuracy", "exact"), ("unique", "unique"), ("readable", "readable")):
        flags = {who: Scores.of_flags([getattr(p, flag) for p in found]) for who, found in pointed.items()}
        yield from _all(f"spatial.{name}", flags)


def _variety(who: str, texts: Sequence[str]) -> Iterator[Measurement]:
    values = {
        "distinct_1": (distinct(texts, 1), None),
        "distinct_2": (distinct(texts, 2), None),
        "self_bleu": (self_bleu(texts), None),
        "vocabulary": (vocabulary(texts), "words"),
    }
    for name, (value, unit) in values.items():
        yield Measurement(f"evaluate.{who}.{name}", value, unit, "unknown" if value is None else "known")


def _all(metric: str, scores: Mapping[str, Scores]) -> Iterator[Measurement]:
    for who, found in scores.items():
        yield from _value(who, metric, found, None)
    yield from _differences(metric, scores, None)


def _value(who: str, metric: str, scores: Scores, unit: str | None) -> Iterator[Measurement]:
    yield from _measured(f"evaluate.{who}.{metric}", scores.mean, interval(scores), unit)


def _measured(
    fact_id: str, value: float, bounds: tuple[float, float] | None, unit: str | None
) -> Iterator[Measurement]:
    yield Measurement(fact_id, value, unit)
    yield from _bounds(fact_id, bounds, unit)


def _bounds(fact_id: str, bounds: tuple[float, float] | None, unit: str | None) -> Iterator[Measurement]:
    low, high = bounds or (None, None)
    status: Status = "unknown" if bounds is None else "known"
    yield Measurement(f"{fact_id}_low", low, unit, status)
    yield Measurement(f"{fact_id}_high", high, unit, status)


def _differences(metric: str, scores: Mapping[str, Scores], unit: str | None) -> Iterator[Measurement]:
    for who, mine in scores.items():
        rival = rival_of(who, scores)
        if rival is not None:
            yield from _change(f"evaluate.{who}.{metric}_change", difference(mine, scores[rival]), unit)


def _change(fact_id: str, found: Difference | None, unit: str | None) -> Iterator[Measurement]:
    if found is None:
        for end in ("", "_low", "_high", "_p"):
            yield Measurement(f"{fact_id}{end}", None, unit if end != "_p" else None, "unknown")
        return
    yield from _measured(fact_id, found.change, found.interval, unit)
    yield Measurement(f"{fact_id}_p", found.p)
