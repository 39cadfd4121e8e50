"""What a release is called on a Hub: its version, or the card revision that continues it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from publisher.hub.port import Commit
from publisher.records.plans import RepoPlan
from publisher.records.receipts import Version
from publisher.release import trailer


@dataclass(frozen=True)
class Trace:
    """What earlier runs left in one repo: the history of `main`, newest first, and the names of all branches."""

    history: tuple[Commit, ...] = ()
    branches: Collection[str] = ()


def decide_label(name: str, version: Version, repos: Sequence[RepoPlan], traces: Sequence[Trace]) -> str:
    """`1.0.0`, or `1.0.0+card.2` where only cards change of what is released already.

    A revision that was begun goes on under its own number until every repo that it changes has it.
    """
    if not version.released:
        return version.number
    done = [_revisions((label for label, _ in trailer.labels(t.history, name)), version) for t in traces]
    begun = _revisions((b.removeprefix("hubpub/v") for t in traces for b in t.branches), version)
    last = max((n for numbers in done for n in numbers), default=0)
    changing = [numbers for repo, numbers in zip(repos, done, strict=True) if repo.touches_files]
    if changing:
        half_done = last in begun and not any(last in numbers for numbers in changing)
        number = max((n for n in begun if n > last), default=last if half_done else last + 1)
    else:
        number = last
    return f"{version.number}+card.{number}" if number else version.number


def staging_branches(branches: Iterable[str], version: Version) -> list[str]:
    """The branches on which a version or one of its card revisions was staged."""
    return sorted(b for b in branches if re.fullmatch(rf"hubpub/v{_pattern(version)}", b))


def _revisions(labels: Iterable[str], version: Version) -> set[int]:
    matches = [re.fullmatch(_pattern(version), label) for label in labels]
    return {int(match["card"]) for match in matches if match and match["card"]}


def _pattern(version: Version) -> str:
    return rf"{re.escape(version.number)}(\+card\.(?P<card>\d+))?"
