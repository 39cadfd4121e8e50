"""Which repo it is that is looked at: its id stands in none of its files."""

from __future__ import annotations

from dataclasses import dataclass

from publisher.checks.observe.target import RepoView


@dataclass(frozen=True)
class Itself:
    """The repo's own id, where who checks it knows where it is kept."""

    repo_id: str | None

    @classmethod
    def observe(cls, _: RepoView) -> Itself:
        """Files do not tell; who opens a repo of a Hub gives the view this beforehand."""
        return cls(None)
