"""CLAIM131 result-differs: the text gives another value than `model-index` or `.eval_results`, or names no data.

Why   the Hub shows the results that it can read, people read the text: one of them is out of date. And a score without the data
      that it was measured on cannot be compared with any other.
Fix   write one value in both places; name dataset and split beside it.

Bad
    README.md:
        ---
        model-index:
        - name: aerial
          results:
          - task: {type: text-classification}
            dataset: {name: Aerial, type: acme/aerial}
            metrics:
            - {type: accuracy, value: 0.9144, name: Accuracy}
        ---
        # Aerial
        ## Results
        - Accuracy: 0.87 ←
Bad
    README.md:
        | GSM8K | 68.0 | ←
        |---|---|
    .eval_results/gsm8k.yaml:
        - dataset: {id: openai/gsm8k, task_id: default}
          value: 71.2
Bad
    README.md:
        # Captions

        ## Evaluation
        - **Accuracy**: 91.4% ←
Good
    README.md:
        ---
        model-index:
        - name: aerial
          results:
          - task: {type: text-classification}
            dataset: {name: Aerial, type: acme/aerial}
            metrics:
            - {type: accuracy, value: 0.9144, name: Accuracy}
        ---
        # Aerial
        It achieves on the evaluation set:
        - Accuracy: 91.4 %
        - Loss: 0.21
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from publisher.checks.observe.claims import Claims
from publisher.checks.observe.evals import ReadableResults
from publisher.checks.observe.frontmatter import Value
from publisher.checks.observe.outline import Passage
from publisher.checks.observe.readme import README, Metadata
from publisher.checks.quoting import quote
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity

_SECTION = re.compile(r"\b(?:performance|metrics?|evaluations?|results?|benchmarks?)\b", re.IGNORECASE)
_METRIC = re.compile(
    r"(?:(?:overall|final|average|mean|macro|micro|top-1) )?(?:accuracy|f1(?:[- ]score)?|precision|recall|perplexity|bleu|rouge-?[12l]?|wer|cer|mAP|IoU|AUC)",
    re.IGNORECASE,
)
_SCORE = re.compile(r"(?<![\w.])(\d{1,3}(?:\.\d{1,6})?) ?(%?)(?![\w.]*\d)")
_DATA = re.compile(
    r"\b(?:test|validation|valid|val|dev|eval(?:uation)?|held[- ]out|hold-?out|hidden)[- ](?:set|split|data\w*|rows|samples|examples|part)\b|"
    r"\bsplits?\b|\bdata ?sets?\b|benchmark|\bcorpus\b|corpora|https?://|\]\(",
    re.IGNORECASE,
)


@rule(Severity.WARNING)
def result_differs(claims: Claims, card: Metadata, results: ReadableResults) -> Iterator[Fault]:
    """A warning where text and record give one value each of the same; a note where a card names no data at all."""
    stated: dict[str, list[tuple[Passage, re.Match[str]]]] = defaultdict(list)
    for passage in claims.outline.passages:
        score = _SCORE.match(passage.value) if passage.kind in ("item", "row", "line") else None
        if score is not None and passage.label:
            stated[passage.label.lower()].append((passage, score))
    for where, kind, name, value in (*_indexed(card), *_recorded(results)):
        found = [pair for label in {kind, name} for pair in stated.get(label, ())]
        if len(found) == 1 and not _agrees(found[0][1], _float(value)):
            passage, score = found[0]
            yield Fault(
                f"the text says {quote(passage.label)} {score[0].strip()}, {where} {value.raw} (line {value.line})",
                README,
                passage.line,
                hint="write one value in both places",
                severity=None if passage.label.lower() == name else Severity.NOTE,
            )
    yield from _without_data(claims, card)


def _recorded(results: ReadableResults) -> Iterator[tuple[str, str, str, Value]]:
    """File, benchmark twice, and value, of each benchmark that there is exactly one number of."""
    found: dict[str, list[tuple[str, str, str, Value]]] = defaultdict(list)
    for file in results.files:
        entries = file.value.items if file.value is not None and isinstance(file.value.items, tuple) else ()
        for entry in entries:
            members = entry.items if isinstance(entry.items, dict) else {}
            dataset, number = members.get("dataset"), members.get("value")
            repo = (
                dataset.items.get("id") if dataset is not None and isinstance(dataset.items, dict) else None
            )
            if repo is not None and number is not None and type(number.data) in (int, float):
                name = str(repo.data).rpartition("/")[2].lower()
                found[name].append((file.path, name, name, number))
    yield from (values[0] for values in found.values() if len(values) == 1)


def _indexed(card: Metadata) -> Iterator[tuple[str, str, str, Value]]:
    """Where it stands, type, name and value of each metric that the index has exactly one number of."""
    index = card.get("model-index")
    found: dict[str, list[tuple[str, str, str, Value]]] = defaultdict(list)
    for value in index.walk() if index is not None else ():
        members = value.items if isinstance(value.items, dict) else {}
        kind, number = members.get("type"), members.get("value")
        if kind is not None and number is not None and type(number.data) in (int, float):
            name = members.get("name") or kind
            found[str(kind.data)].append(
                ("the model-index", str(kind.data).lower(), str(name.data).lower(), number)
            )
    yield from (results[0] for results in found.values() if len(results) == 1)


def _float(value: Value) -> float:
    return float(value.data) if isinstance(value.data, int | float) else 0.0


def _agrees(score: re.Match[str], true: float) -> bool:
    """Whether one rounds to the other, as a share or in percent."""
    stated, decimals = float(score[1]), len(score[1].partition(".")[2])
    slack = 0.51 * 10.0**-decimals
    return any(
        abs(stated - scale * true) <= max(slack, 0.006 * abs(scale * true)) for scale in (1, 100, 0.01)
    )


def _without_data(claims: Claims, card: Metadata) -> Iterator[Fault]:
    passages = claims.outline.passages
    if (
        card.get("datasets") is not None
        or card.get("model-index") is not None
        or card.get("dataset_info") is not None
    ):
        return
    if any(_DATA.search(passage.raw) for passage in passages):
        return
    for passage in passages:
        is_score = passage.kind == "item" and _METRIC.fullmatch(passage.label) and _SCORE.match(passage.value)
        if is_score and any(map(_SECTION.search, passage.section.titles)):
            yield Fault(
                f"{quote(passage.label)} {quote(passage.value, 40)}: the card names no data that it was measured on",
                README,
                passage.line,
                hint="name dataset and split",
                severity=Severity.NOTE,
            )
            return
