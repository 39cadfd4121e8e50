"""How a card's code blocks went when they were run. Running is another room's work: here it is handed in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from publisher.checks.observe.target import Absent, RepoView


@dataclass(frozen=True)
class RanBlock:
    """One block.

    Attributes:
        line: where it stopped, in the file; the block's first line where that is unknown.
        verdict: `failed`: its own fault; `stopped`: it needed more time or memory than it was given; `not run`:
            something is missing here that a reader may have.
        told: the exception's last line, or what was missing.
    """

    line: int
    verdict: Literal["ran", "failed", "stopped", "not run"]
    told: str = ""


@dataclass(frozen=True)
class RanCode:
    """All blocks of a card, in their order. `offline`: the kernel kept the network from them."""

    blocks: tuple[RanBlock, ...]
    offline: bool = True

    @classmethod
    def observe(cls, _: RepoView) -> RanCode | Absent:
        """A stranger's code is run only where that is asked for."""
        return Absent("give --run-code")
