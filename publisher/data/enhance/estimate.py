"""What an enhancement will cost, told before anything is asked."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from publisher.data.enhance.cache import AnswerCache
from publisher.data.enhance.prompt import Prompt, answer_schema
from publisher.data.enhance.question import Question
from publisher.data.enhance.records import Target
from publisher.manifest.enhance import EnhanceSettings, PriceSettings
from publisher.records.digest import canonical_json

_CHARACTERS = 4  # of English for a token, as OpenAI's help page has it
_FRAME = 12  # tokens of JSON around one expression
_UNIQUE = 20  # tokens of one further expression
_LONGER = 1.3  # a variation against its original


@dataclass(frozen=True)
class Estimate:
    """Requests, tokens and money. A repeated attempt is not counted in.

    Attributes:
        targets: items in all.
        cached: items whose answers are kept from earlier runs.
        requests: requests to come.
        input_tokens: of words, schema and pictures.
        output_tokens: of the expressions alone; what a model thinks before it answers nobody can tell.
        output_tokens_at_most: every answer at `max_output_tokens`.
        cost: at the manifest's prices; None without.
        cost_at_most: likewise, of `output_tokens_at_most`.
        currency: of both.
    """

    targets: int
    cached: int
    requests: int
    input_tokens: int
    output_tokens: int
    output_tokens_at_most: int
    cost: float | None
    cost_at_most: float | None
    currency: str | None


def estimate(
    targets: Iterable[Target], settings: EnhanceSettings, prompt: Prompt, cache_folder: Path
) -> Estimate:
    """Count what `enhance` would ask now. Asks nothing, and needs no key.

    Raises:
        HubpubError: HP-C02, the prompt has an error.
    """
    cache = AnswerCache(cache_folder)
    total = requests = tokens_in = tokens_out = 0
    for target in targets:
        total += 1
        question = Question.of(target, settings, prompt)
        if question.is_settled(cache.answers(question.key)):
            continue
        requests += 1
        tokens_in += _input_tokens(question, settings)
        tokens_out += _output_tokens(target, settings.unique)
    most = requests * settings.max_output_tokens
    price = settings.price
    return Estimate(
        targets=total,
        cached=total - requests,
        requests=requests,
        input_tokens=tokens_in,
        output_tokens=min(tokens_out, most),
        output_tokens_at_most=most,
        cost=cost_of(price, tokens_in, min(tokens_out, most)),
        cost_at_most=cost_of(price, tokens_in, most),
        currency=price.currency if price else None,
    )


def cost_of(price: PriceSettings | None, input_tokens: int, output_tokens: int) -> float | None:
    """In the price's currency."""
    if price is None:
        return None
    return (input_tokens * price.input_per_million + output_tokens * price.output_per_million) / 1_000_000


def image_tokens(width: int, height: int) -> int:
    """What a picture costs by OpenAI's rule for GPT-4o at high detail.

    Fitted into 2048x2048 pixels, then its shorter side scaled to 768: 170 tokens for each 512x512 tile, and 85.
    """
    fitted = min(1.0, 2048 / max(width, height))
    scale = 768 / (min(width, height) * fitted) * fitted
    tiles = math.ceil(round(width * scale, 6) / 512) * math.ceil(round(height * scale, 6) / 512)
    return 85 + 170 * tiles


def _input_tokens(question: Question, settings: EnhanceSettings) -> int:
    schema = canonical_json(answer_schema(len(question.target.expressions), settings.unique))
    characters = len(question.words) + (len(schema) if settings.structured else 0)
    pictures = (
        image_tokens(*_size(view)) if settings.image_tokens is None else settings.image_tokens
        for view in question.target.views
    )
    return math.ceil(characters / _CHARACTERS) + sum(pictures)


def _output_tokens(target: Target, unique: int) -> int:
    variations = sum(
        _FRAME + math.ceil(_LONGER * len(expression) / _CHARACTERS) for expression in target.expressions
    )
    return variations + unique * (_FRAME + _UNIQUE)


def _size(png: bytes) -> tuple[int, int]:
    """Width and height in pixels, from the header that every PNG begins with."""
    width, height = struct.unpack(">II", png[16:24])
    return width, height
