"""Withdrawn versions: `main` once held them and was rolled back, and any machine reads that from its history.

A rollback's commit carries, beside the trailer of all our commits, the line `hubpub-withdrawn: 1.1.0, 1.2.0`: every
version newer than the one it goes back to that `main` had held. Of each version the newest statement counts: such a
line withdraws it, and a commit of ours that makes `main` that version takes it back into use. A release of a withdrawn
version is refused, so only `hubpub rollback NAME 1.1.0` makes such a commit.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from publisher.errors import HubpubError
from publisher.hub.port import Commit
from publisher.records.versions import precedence
from publisher.release import trailer

_STATEMENT = re.compile(r"^hubpub-withdrawn: (?P<versions>\S.*)$", re.MULTILINE)


def statement(versions: Iterable[str]) -> str:
    """The line that withdraws versions; empty where there are none."""
    names = ", ".join(sorted(versions, key=precedence))
    return f"hubpub-withdrawn: {names}" if names else ""


def withdrawn(commits: Iterable[Commit], name: str) -> set[str]:
    """The versions that a history of `main`, newest commit first, says are withdrawn."""
    found: set[str] = set()
    for label, commit in reversed(trailer.labels(commits, name)):
        found.discard(label.partition("+")[0])
        stated = _STATEMENT.search(commit.message)
        found |= {version.strip() for version in stated["versions"].split(",")} if stated else set()
    return found


def refusal(name: str, number: str, free: str, *, asked: bool, where: str, same: bool = False) -> HubpubError:
    """The error for a release of a withdrawn version. `same`: it was not asked for, but has the same contents."""
    what = f"what lies here is {number}, which was withdrawn" if same else f"{number} was withdrawn"
    return HubpubError(
        "HP-R08",
        f"{what} by a rollback, and is not released again",
        where=where,
        hint=f"hubpub release {name} {free}" + (" (and set version: in the manifest)" if asked else ""),
        proposal=free,
        withdrawn=number,
    )


def newer(versions: Collection[str], number: str) -> tuple[str, ...]:
    """Those of some versions that are newer than one, in order."""
    return tuple(sorted((v for v in versions if precedence(v) > precedence(number)), key=precedence))
