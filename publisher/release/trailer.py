"""The trailer that marks our commits on a Hub, so that a step whose answer was lost is found by looking."""

from __future__ import annotations

import re
from collections.abc import Iterable

from publisher.hub.port import Commit
from publisher.records.plans import Plan

_TRAILER = re.compile(r"^hubpub: (?P<name>\S+) (?P<label>\S+) (?P<digest>[0-9a-f]{16})$", re.MULTILINE)
# A pull request of ours that was merged. Whether the merge repeats its commits' messages is for the Hub to say.
_MERGED = re.compile(r"^(?P<name>\S+) (?P<label>\S+): \w+ \(#\d+\)$")


def trailer(plan: Plan) -> str:
    """`hubpub: <name> <version> <plan digest>`."""
    return f"hubpub: {plan.name} {plan.label} {plan.digest[:16]}"


def trailer_of(commit: Commit) -> str | None:
    """The trailer that a commit carries; None for a commit of somebody else's."""
    match = _TRAILER.search(f"{commit.title}\n{commit.message}")
    return match[0] if match else None


def labels(commits: Iterable[Commit], name: str) -> list[tuple[str, Commit]]:
    """Our commits among a history, newest first: the version label and the commit."""
    found = [
        (_TRAILER.search(f"{commit.title}\n{commit.message}") or _MERGED.match(commit.title), commit)
        for commit in commits
    ]
    return [(match["label"], commit) for match, commit in found if match and match["name"] == name]
