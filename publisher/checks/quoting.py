"""Text from a repo, made fit for a report: no secret, no terminal control, no endless line."""

from __future__ import annotations

from functools import lru_cache

from publisher.checks.secrets import mask

MAX_LENGTH = 400


@lru_cache(maxsize=16)  # of one endless line a thousand findings may speak
def clean(text: str, limit: int = MAX_LENGTH) -> str:
    """The text on one line, secrets masked, unprintable characters replaced, cut after `limit` characters.

    Secrets are masked before the text is cut: half a token is still half a token.
    """
    masked = mask(text).replace("\n", " ").replace("\t", " ")
    shown = masked[: limit - 1] + "…" if len(masked) > limit else masked
    return "".join(
        character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in shown
    )


def quote(value: object, limit: int = 80) -> str:
    """A value as a message shows it: in backticks, short."""
    return f"`{clean(str(value).replace('`', ' '), limit)}`"
