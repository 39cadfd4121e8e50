"""Which version this is: a version names weights, data and configuration, and a tag never moves."""

from __future__ import annotations

from collections.abc import Sequence

from publisher.errors import HubpubError
from publisher.hub.port import Hub
from publisher.records.plans import Package
from publisher.records.receipts import Version
from publisher.release.compare import same_contents

FIRST = "1.0.0"


def decide_version(
    hub: Hub, packages: Sequence[Package], *, asked: str | None, last: str | None, name: str
) -> Version:
    """Hold what was made here against the tags of the Hub.

    `asked` comes from the command line or the manifest, `last` from the lock.

    Raises:
        HubpubError: HP-M07 where the version's tag carries other contents; the hint names the next free version.
    """
    number = asked or last or FIRST
    released = []
    taken: set[str] = set()
    clashing: list[str] = []
    for package in packages:
        state = hub.state(package.ref)
        tags = state.tags if state else {}
        taken |= set(tags)
        commit = tags.get(f"v{number}")
        equal = commit is not None and same_contents(hub, package, commit, name)
        released.append(equal)
        if commit is not None and not equal:
            clashing.append(package.ref.repo_id)
    if clashing:
        free = next_free(number, taken)
        raise HubpubError(
            "HP-M07",
            f"{number} of {', '.join(clashing)} was released with other weights, data or configuration",
            where=hub.endpoint,
            hint=f"hubpub release {name} {free}" + (" (and set version: in the manifest)" if asked else ""),
            proposal=free,
        )
    return Version(number, released=bool(packages) and all(released))


def next_free(number: str, tags: set[str]) -> str:
    """The next minor version after `number` that no tag carries."""
    major, minor = (int(part) for part in number.split(".")[:2])
    minor += 1
    while f"v{major}.{minor}.0" in tags:
        minor += 1
    return f"{major}.{minor}.0"
