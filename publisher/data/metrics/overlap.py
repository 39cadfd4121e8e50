"""How far answers are worded like their references: chrF of sacrebleu and ROUGE-L of rouge-score, answer by answer."""

from __future__ import annotations

from collections.abc import Sequence

from publisher.data.installed import installed


def chrf(answers: Sequence[str], references: Sequence[Sequence[str]]) -> list[float]:
    """chrF2 of each answer, 0..100: the best of its references counts."""
    metric = installed("sacrebleu").CHRF()
    return [metric.sentence_score(text, list(known)).score for text, known in _pairs(answers, references)]


def rouge_l(answers: Sequence[str], references: Sequence[Sequence[str]]) -> list[float]:
    """ROUGE-L of each answer as an F-measure, 0..100, words unstemmed: the best of its references counts."""
    scorer = installed("rouge_score.rouge_scorer").RougeScorer(["rougeL"])
    return [
        100 * scorer.score_multi(list(known), text)["rougeL"].fmeasure
        for text, known in _pairs(answers, references)
    ]


def _pairs(answers: Sequence[str], references: Sequence[Sequence[str]]) -> list[tuple[str, Sequence[str]]]:
    return list(zip(answers, references, strict=True))
