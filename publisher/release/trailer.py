"""The trailer that marks our commits on a Hub, so that a step whose answer was lost is found by looking."""

from __future__ import annotations

import re
from collections.abc import Iterable

from publisher.hub.port import Commit
from publisher.records.plans import Plan

_TRAILER = re.compile(r"^hubpub: (?P<name>\S+) (?P<label>\S+) (?P<digest>[0-9a-f]{16})$", re.MULTILINE)


def trailer(plan: Plan) -> str:
    """`hubpub: <name> <version> <plan digest>`."""
    return f"hubpub: {plan.name} {plan.label} {plan.digest[:16]}"


def labels(commits: Iterable[Commit], name: str) -> list[tuple[str, Commit]]:
    """Our commits among a history, newest first: the version label and the commit."""
    found = [(_TRAILER.search(f"{commit.title}\n{commit.message}"), commit) for commit in commits]
    return [(match["label"], commit) for match, commit in found if match and match["name"] == name]


def of_plan(commits: Iterable[Commit], plan: Plan) -> Commit | None:
    """The commit that carries this very plan's trailer, if it was made."""
    mark = trailer(plan)
    return next((c for c in commits if mark in f"{c.title}\n{c.message}".splitlines()), None)
