"""Judging generated text against a smoke prompt's expectation. Pure: no model in here."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from publisher.engine.jobs import Expectation, SmokePrompt
from publisher.records.answers import kept_answer
from publisher.records.facts import Json

GRAM = 4  # tokens: shorter runs repeat in any honest text

Verdict = Literal["passed", "missed", "refused"]


@dataclass(frozen=True)
class Answer:
    """What a model said to one prompt.

    Attributes:
        prompt: as the manifest words it.
        text: decoded, without special tokens.
        token_ids: generated ones, the end-of-turn token left out.
        stopped: it ended by an end-of-turn token; False = by the limit on new tokens.
    """

    prompt: str
    text: str
    token_ids: tuple[int, ...]
    stopped: bool


@dataclass(frozen=True)
class Outcome:
    """One assertion on one answer: what was asked for, what was met."""

    assertion: str
    expected: str
    actual: str
    verdict: Verdict


def judge(expect: Expectation, answer: Answer, *, stand_in: bool = False) -> tuple[Outcome, ...]:
    """Judge every assertion that was asked for; a stand-in's words prove nothing, so all of its are refused."""
    outcomes = tuple(_asked(expect, answer))
    if stand_in:
        return tuple(Outcome(o.assertion, o.expected, o.actual, "refused") for o in outcomes)
    return outcomes


def repetition(token_ids: Sequence[int]) -> float:
    """Share of the most frequent run of four tokens among all such runs, 0..1.

    0 where no run occurs twice: a five-token answer has two runs, and half of it is no stutter.
    """
    grams = Counter(tuple(token_ids[i : i + GRAM]) for i in range(len(token_ids) - GRAM + 1))
    most = max(grams.values(), default=0)
    return most / grams.total() if most > 1 else 0.0


def kept_as(
    smoke: SmokePrompt, said: Answer, pictures: Sequence[bytes] = (), compute_dtype: str | None = None
) -> Json:
    """The answer as facts keep it for the next version; what was expected of it does not belong to the question."""
    asked: dict[str, Json] = {"max_new_tokens": smoke.max_new_tokens}
    if compute_dtype is not None:
        asked["compute_dtype"] = compute_dtype
    if pictures:
        asked["images"] = [hashlib.sha256(file).hexdigest() for file in pictures]
    return kept_answer(smoke.prompt, asked, said.text)


def excerpt(text: str, length: int = 120) -> str:
    """The beginning of a text on one line, for messages; an ellipsis where it goes on."""
    line = " ".join(text.split())
    return line if len(line) <= length else line[: length - 1] + "…"


def _asked(expect: Expectation, answer: Answer) -> list[Outcome]:
    outcomes = []

    def add(assertion: str, expected: object, actual: object, holds: bool) -> None:
        outcomes.append(Outcome(assertion, str(expected), str(actual), "passed" if holds else "missed"))

    said = repr(excerpt(answer.text))
    if expect.contains is not None:
        add("contains", repr(expect.contains), said, expect.contains in answer.text)
    if expect.matches is not None:
        add("matches", repr(expect.matches), said, re.search(expect.matches, answer.text) is not None)
    if expect.min_tokens is not None:
        count = len(answer.token_ids)
        add("min_tokens", expect.min_tokens, count, count >= expect.min_tokens)
    if expect.max_repetition is not None:
        share = round(repetition(answer.token_ids), 4)
        add("max_repetition", expect.max_repetition, share, share <= expect.max_repetition)
    if expect.stops is not None:
        add("stops", expect.stops, answer.stopped, answer.stopped == expect.stops)
    if expect.json is not None:
        is_json = _is_json(answer.text)
        add("json", expect.json, is_json if is_json == expect.json else said, is_json == expect.json)
    return outcomes


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except json.JSONDecodeError:
        return False
    return True
