"""What a machine or an account can do, as `hubpub doctor` says it: whether, how that is known, and what mends a no."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Answer = Literal["ok", "missing", "unknown"]


@dataclass(frozen=True)
class Ability:
    """One thing that a release may need.

    Attributes:
        name: in a word or two.
        answer: whether it is there.
        why: how that is known, or what is in the way.
        mend: what to do where it is missing, best a command to type; empty where nothing is to be done.
    """

    name: str
    answer: Answer
    why: str
    mend: str = ""
