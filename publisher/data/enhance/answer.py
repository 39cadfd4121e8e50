"""An endpoint's answer, as it came, and what of it can be used. Pure: the same answer is always read the same way."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, ValidationError

Outcome = Literal[
    "enhanced",  # every expression asked for is there
    "refused",  # the model, or a filter in front of it, would not answer
    "cut_off",  # the answer ended at the token limit
    "not_json",  # prose, or JSON that does not parse
    "wrong_schema",  # JSON of another shape, or expressions missing
    "timed_out",  # no answer within the time an item has
    "rate_limited",  # "too many requests" to the last try
    "unavailable",  # the endpoint failed or hung up, to the last try
]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)

_FENCE = re.compile(r"\A\s*```(?:json)?\s*\n(.*?)\n?\s*```\s*\Z", re.DOTALL)
_REFUSED = ("content_filter", "refusal")


@dataclass(frozen=True)
class Answer:
    """What an endpoint said to one request.

    Attributes:
        text: the message's content.
        refusal: the message's refusal, where the endpoint has that field.
        finish_reason: why it ended there: `stop`, `length`, `content_filter` …
        model: the model's name as the endpoint gives it, often with a date.
        input_tokens: as the endpoint counts them; None where it does not.
        output_tokens: likewise, thoughts included.
    """

    text: str | None
    refusal: str | None = None
    finish_reason: str | None = None
    model: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None


@dataclass(frozen=True)
class Reading:
    """What an answer gives: variations in the order of the originals, further expressions; none but if enhanced."""

    outcome: Outcome
    variations: tuple[str, ...] = ()
    unique: tuple[str, ...] = ()


class _Variation(BaseModel):
    model_config = ConfigDict(strict=True)

    number: int
    text: str


class _Content(BaseModel):
    model_config = ConfigDict(strict=True)

    variations: list[_Variation]
    unique: list[str]


def read_answer(answer: Answer, expressions: int, unique: int) -> Reading:
    """Read one answer.

    Args:
        answer: as it came.
        expressions: how many originals were numbered, from 1.
        unique: how many further expressions were asked for.
    """
    if answer.refusal or answer.finish_reason in _REFUSED:
        return Reading("refused")
    if answer.finish_reason == "length":
        return Reading("cut_off")
    text = answer.text or ""
    fenced = _FENCE.match(text)
    try:
        content = _Content.model_validate_json(fenced[1] if fenced else text)
    except ValidationError as fault:
        broken = any(one["type"] == "json_invalid" for one in fault.errors())
        return Reading("not_json" if broken else "wrong_schema")
    by_number = {one.number: tidy(one.text) for one in content.variations}
    variations = tuple(by_number.get(number, "") for number in range(1, expressions + 1))
    further = tuple(tidy(one) for one in content.unique)
    whole = len(content.variations) == expressions and len(further) == unique
    # Unprintable characters would go to a public dataset unseen.
    usable = whole and all(one and one.isprintable() for one in (*variations, *further))
    return Reading("enhanced", variations, further) if usable else Reading("wrong_schema")


def tidy(text: str) -> str:
    """An expression as the dataset has it: lower case, single spaces, no punctuation at its end."""
    return " ".join(text.split()).rstrip(".!?… ").lower()
