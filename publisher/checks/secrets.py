"""Tokens and keys in text: found by the shapes that their issuers gave them, and never shown whole."""

from __future__ import annotations

import re
from typing import NamedTuple

# Every pattern begins with letters that its issuer chose: finding those is one fast pass over a text.
_SHAPES = tuple(
    (what, prefix, re.compile(re.escape(prefix) + rest))
    for what, prefix, rest in (
        ("a Hugging Face token", "hf_", r"[A-Za-z0-9]{34}(?![A-Za-z0-9])"),
        ("a Hugging Face organisation token", "api_org_", r"[A-Za-z0-9]{34}(?![A-Za-z0-9])"),
        ("an OpenAI key", "sk-", r"[A-Za-z0-9_-]{20,100}T3BlbkFJ[A-Za-z0-9_-]{20,100}"),
        ("an OpenAI key", "sk-", r"[A-Za-z0-9]{48}(?![A-Za-z0-9])"),
        ("an Anthropic key", "sk-ant-", r"[a-z0-9]{3,10}-[A-Za-z0-9_-]{80,120}"),
        ("a GitHub token", "gh", r"[pousr]_[A-Za-z0-9]{36}(?![A-Za-z0-9])"),
        ("a GitHub token", "github_pat_", r"[A-Za-z0-9]{22}_[A-Za-z0-9]{59}"),
        ("an AWS key id", "AKIA", r"[A-Z2-7]{16}(?![A-Za-z0-9])"),
        ("an AWS key id", "ASIA", r"[A-Z2-7]{16}(?![A-Za-z0-9])"),
        ("a Google API key", "AIza", r"[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])"),
        ("a Slack token", "xox", r"[abprs]-[0-9]{8,20}-[A-Za-z0-9-]{10,100}"),
        ("a W&B key", "WANDB_API_KEY", r"[\"']?\s{0,3}[=:]\s{0,3}[\"']?[0-9a-f]{40}(?![0-9a-f])"),
        (
            "a private key",
            "-----BEGIN ",
            r"(?:RSA |EC |DSA |OPENSSH |PGP |ENCRYPTED )?PRIVATE KEY(?: BLOCK)?-----",
        ),
    )
)

_MIN_DIFFERENT = 8  # characters: `hf_xxxxxxxx…` in a tutorial is no token


class Secret(NamedTuple):
    """One secret's place in a text, and what it looks like."""

    start: int
    end: int
    what: str


def find_secrets(text: str) -> tuple[Secret, ...]:
    """Every secret in a text, first to last, none inside another. Placeholders of few letters are none."""
    found = [
        Secret(match.start(), match.end(), what)
        for what, prefix, shape in _SHAPES
        if prefix in text
        for match in shape.finditer(text)
        if _is_meant(text, match, what)
    ]
    apart: list[Secret] = []
    for secret in sorted(found):
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


def _is_meant(text: str, match: re.Match[str], what: str) -> bool:
    if what == "a private key":
        return True
    inside_a_word = match.start() > 0 and text[match.start() - 1].isalnum()
    return not inside_a_word and len(set(match[0])) >= _MIN_DIFFERENT and "EXAMPLE" not in match[0]
