"""Tokens and keys in text: found by the shapes that their issuers gave them, and never shown whole."""

from __future__ import annotations

import math
import re
from collections import Counter
from functools import cache
from typing import NamedTuple

from publisher.checks.known.hub_ids import is_hub_id
from publisher.checks.known.token_shapes import SHAPES, Shape

_MIN_DIFFERENT = 8  # characters: `hf_xxxxxxxx…` in a tutorial is no token
_MIN_BITS = 3.5  # a character: English words have about three, random hexadecimal digits nearly four
# What documentation writes where a key goes; chance writes none of it. The last is the payload of jwt.io's example.
_PLACEHOLDER = re.compile(
    r"example|abcdefg|1234567|your[_-]|[_-]here|x{4}|\.{3}|\*{3}|dummy|placeholder|changeme|replace[_-]|insert[_-]"
    r"|eyJzdWIiOiIxMjM0NTY3ODkw",
    re.IGNORECASE,
)

_WORDS = re.compile(
    r"[A-Za-z]+\d*(?:[_.-][A-Za-z]+\d*){2,}"
)  # `task963_asr_next_word`: a name, for all its digits
_SIGNED = "X-Amz-Credential="  # a signed address names its key's id, as every video on GitHub does; the key stays at home
_NAMED = re.compile(r"passw|secret|token|api_?key", re.IGNORECASE)  # `password123`: says what it is, is none


class Secret(NamedTuple):
    """One secret's place in a text, and what it looks like. `sure`: an issuer's own shape, not only disorder."""

    start: int
    end: int
    what: str
    sure: bool = True


def find_secrets(text: str) -> tuple[Secret, ...]:
    """Every secret in a text, first to last, none inside another. Placeholders are none."""
    found = [
        secret
        for shape in SHAPES
        if shape.prefix in text
        for match in _pattern(shape).finditer(text)
        if (secret := _secret(shape, match)) is not None
    ]
    apart: list[Secret] = []
    for secret in sorted(found, key=lambda secret: (secret.start, not secret.sure)):
        if not apart or secret.start >= apart[-1].end:
            apart.append(secret)
    return tuple(apart)


def mask(text: str) -> str:
    """The text with every secret cut to its first four characters: what is printed may be logged."""
    pieces, position = [], 0
    for secret in find_secrets(text):
        pieces += [text[position : secret.start + 4], "***"]
        position = secret.end
    return "".join([*pieces, text[position:]])


@cache  # each when its first letters are met: nearly all texts need none
def _pattern(shape: Shape) -> re.Pattern[str]:
    prefix = re.escape(shape.prefix)
    # A key begins no word in its middle; a name that leads to a key may be part of a longer one.
    begins = rf"(?<![A-Za-z0-9]{prefix})" if shape.prefix[0].isalnum() and shape.whole else ""
    return re.compile(prefix + begins + shape.rest)


def _secret(shape: Shape, match: re.Match[str]) -> Secret | None:
    group = 0 if shape.whole else 1
    start, end = match.span(group)
    value = match[group]
    if len(set(value)) < _MIN_DIFFERENT or _PLACEHOLDER.search(match[0]):
        return None
    if match.string.endswith(_SIGNED, 0, start):
        return None
    if not shape.sure and not _is_disorderly(value):
        return None
    return Secret(start, end, shape.what, shape.sure)


def _is_disorderly(value: str) -> bool:
    """Whether letters and digits stand mixed as in a key, and not as in a name, a path or a version."""
    if not re.search(r"\d", value) or not re.search(r"[A-Za-z]", value) or is_hub_id(value):
        return False
    if _NAMED.search(value) or _WORDS.fullmatch(value):
        return False
    counts = Counter(value).values()
    bits = -sum(count / len(value) * math.log2(count / len(value)) for count in counts)
    return bits >= min(_MIN_BITS, math.log2(len(value)) - 0.5)
