"""What a repo's last release said, where somebody knows it: a folder has no history."""

from __future__ import annotations

from dataclasses import dataclass

from publisher.checks.observe.target import Absent, RepoView


@dataclass(frozen=True)
class Earlier:
    """The release before the state that is looked at: its tag, and the licence ids that its card gave."""

    tag: str
    licences: tuple[str, ...]

    @classmethod
    def observe(cls, _: RepoView) -> Absent:
        """Files do not tell; who opens a repo of a Hub gives the view this beforehand."""
        return Absent("no earlier release is known: only a published repo's tags tell")
