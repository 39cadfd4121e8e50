"""What a draft may ask its author: at most two questions, each with a default."""

from __future__ import annotations

from collections.abc import Callable

# A question and its default, None where nothing is known → the answer; None leaves it open in the manifest.
Ask = Callable[[str, str | None], str | None]


def take_default(question: str, default: str | None) -> str | None:  # noqa: ARG001 — nobody is there to read it
    """Ask nobody: `--yes`, a script, a terminal that is none."""
    return default
