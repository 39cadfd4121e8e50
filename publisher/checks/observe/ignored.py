"""What became of the comments by which an author answers for findings. The engine tells it: it needs the other rules."""

from __future__ import annotations

from dataclasses import dataclass

from publisher.checks.observe.ignores import Ignore


@dataclass(frozen=True)
class Unused:
    """One code of one comment."""

    ignore: Ignore
    code: str


@dataclass(frozen=True)
class IdleIgnores:
    """Comments that do nothing.

    Attributes:
        unused: the rule looked, and there is nothing to answer for.
        unknown: no rule has the code.
        empty: no reason is given, or no code.
    """

    unused: tuple[Unused, ...]
    unknown: tuple[Unused, ...]
    empty: tuple[Ignore, ...]
