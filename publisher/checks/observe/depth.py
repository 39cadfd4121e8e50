"""How much a check reads: `--deep` reads every number and every row, else a sample must do."""

from __future__ import annotations

from dataclasses import dataclass

from publisher.checks.observe.target import RepoView


@dataclass(frozen=True)
class Depth:
    """Handed in as `RepoView(source, Depth(everything=True))`."""

    everything: bool = False

    @classmethod
    def observe(cls, view: RepoView) -> Depth:  # noqa: ARG003 - every observation is asked so
        """A sample, where nobody said otherwise."""
        return cls()
