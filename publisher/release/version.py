"""Which version this is: a version names weights, data and configuration, and a tag never moves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from publisher.errors import HubpubError
from publisher.hub.port import Hub
from publisher.records.artifacts import Kind, RepoRef
from publisher.records.changes import Earlier
from publisher.records.plans import Package
from publisher.records.receipts import Version
from publisher.records.versions import FIRST, precedence
from publisher.release.before import number_before
from publisher.release.compare import same_contents
from publisher.release.rename import where_it_stands
from publisher.release.withdrawn import refusal, withdrawn


def decide_version(
    hub: Hub,
    packages: Sequence[Package],
    *,
    asked: str | None,
    last: str | None,
    name: str,
    former: Mapping[Kind, RepoRef] | None = None,
) -> Version:
    """Hold what was made here against the tags of the Hub.

    `asked` comes from the command line or the manifest, `last` and the `former` repos from the lock.

    Raises:
        HubpubError: HP-M07 where the version's tag carries other contents; HP-R08 where it was withdrawn, or where
            these are the contents of one that was. The hint names the next free version.
    """
    number = asked or last or FIRST
    found: list[tuple[Package, Mapping[str, str]]] = []
    gone: set[str] = set()
    for each in packages:
        package = where_it_stands(hub, each, (former or {}).get(each.kind))
        state = hub.state(package.ref)
        found.append((package, state.tags if state else {}))
        if state is not None and state.head is not None:
            gone |= withdrawn(hub.commits(package.ref, state.head), name)
    taken = {tag for _, tags in found for tag in tags} | {f"v{version}" for version in gone}
    free = next_free(number, taken)
    if number in gone:
        raise refusal(name, number, free, asked=asked is not None, where=hub.endpoint)
    released = []
    clashing: list[str] = []
    earlier: dict[Kind, Earlier] = {}
    for package, tags in found:
        if (before := number_before(number, tags, gone)) is not None:
            earlier[package.kind] = Earlier(package.ref, before, tags[f"v{before}"])
        commit = tags.get(f"v{number}")
        equal = commit is not None and same_contents(hub, package, commit, name)
        released.append(equal)
        if commit is not None and not equal:
            clashing.append(package.ref.repo_id)
    if clashing:
        again = next((v for v in sorted(gone, key=precedence) if _same_as(hub, found, v, name)), None)
        if again is not None:
            raise refusal(name, again, free, asked=asked is not None, where=hub.endpoint, same=True)
        raise HubpubError(
            "HP-M07",
            f"{number} of {', '.join(clashing)} was released with other weights, data or configuration",
            where=hub.endpoint,
            hint=f"hubpub release {name} {free}" + (" (and set version: in the manifest)" if asked else ""),
            proposal=free,
        )
    return Version(
        number,
        released=bool(packages) and all(released),
        earlier=earlier,
        withdrawn=tuple(sorted(gone, key=precedence)),
    )


def _same_as(
    hub: Hub, packages: Sequence[tuple[Package, Mapping[str, str]]], version: str, name: str
) -> bool:
    """Whether every repo that has a version's tag holds these very contents there."""
    tagged = [(package, tags[f"v{version}"]) for package, tags in packages if f"v{version}" in tags]
    return bool(tagged) and all(same_contents(hub, package, commit, name) for package, commit in tagged)


def next_free(number: str, tags: set[str]) -> str:
    """The next minor version after `number` that no tag carries."""
    major, minor = (int(part) for part in number.split(".")[:2])
    minor += 1
    while f"v{major}.{minor}.0" in tags:
        minor += 1
    return f"{major}.{minor}.0"
