"""How the repos of a release stand on a Hub, and which versions of it are there whole."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from publisher.errors import HubpubError
from publisher.hub.port import Commit, Hub, RepoState
from publisher.manifest.schema import VERSION
from publisher.records.artifacts import Kind, RepoRef
from publisher.records.versions import precedence
from publisher.release import trailer

STAGING = "hubpub/v"


@dataclass(frozen=True)
class RepoOnHub:
    """One repo: its refs, and the history of its `main`, newest first."""

    name: str  # of the release
    kind: Kind
    state: RepoState
    head: str
    history: tuple[Commit, ...]

    @property
    def ref(self) -> RepoRef:
        """Its name, as the Hub has it now."""
        return self.state.ref

    @property
    def label(self) -> str | None:
        """What we put onto `main` last; None where we never did."""
        return next((label for label, _ in trailer.labels(self.history, self.name)), None)

    @property
    def version(self) -> str | None:
        """The version that `main` holds, without its card revision."""
        return version_of(self.label) if self.label else None

    def version_at(self, commit: str) -> str | None:
        """The version that a commit of `main` held."""
        ids = [each.id for each in self.history]
        until = self.history[ids.index(commit) :] if commit in ids else ()
        return next((version_of(label) for label, _ in trailer.labels(until, self.name)), None)

    @property
    def tagged(self) -> dict[str, str]:
        """Version → commit of its tag."""
        tags = self.state.tags.items()
        return {tag[1:]: at for tag, at in tags if tag[:1] == "v" and VERSION.fullmatch(tag[1:])}

    @property
    def held(self) -> set[str]:
        """Every version that `main` has held: by our commits, also untagged ones, and by the tags on its history."""
        ids = {commit.id for commit in self.history}
        ours = {version_of(label) for label, _ in trailer.labels(self.history, self.name)}
        return {v for v in ours if VERSION.fullmatch(v)} | {v for v, at in self.tagged.items() if at in ids}

    def staged(self, versions: Iterable[str]) -> list[str]:
        """The branches on which versions, or their card revisions, wait."""
        return _left_by(self.state.branches, versions)

    def proofs(self, versions: Iterable[str]) -> list[str]:
        """The tags of what was proven of versions and is not promoted yet."""
        return _left_by(self.state.tags, versions)

    def was_part_of(self, version: str) -> bool:
        """Whether the repo has that version or an older one, or was about to get it."""
        older = any(precedence(v) <= precedence(version) for v in self.held | self.tagged.keys())
        return older or f"{STAGING}{version}" in self.state.branches


def look(
    hub: Hub, name: str, refs: Mapping[Kind, RepoRef], former: Mapping[Kind, RepoRef] | None = None
) -> tuple[RepoOnHub, ...]:
    """Those repos of a release that are there, in promotion order; one still under its former name as well."""
    found = []
    for kind, ref in refs.items():
        state = hub.state(ref)
        if state is None and former is not None and kind in former:
            state = hub.state(former[kind])
        if state is not None and state.head is not None:
            found.append(RepoOnHub(name, kind, state, state.head, hub.commits(state.ref, state.head)))
    return tuple(found)


def whole_versions(repos: Sequence[RepoOnHub]) -> list[str]:
    """The versions, oldest first, that every repo has that was part of them."""
    versions = {version for repo in repos for version in repo.tagged}
    whole = (v for v in versions if all(v in repo.tagged or not repo.was_part_of(v) for repo in repos))
    return sorted(whole, key=precedence)


def completed(repos: Sequence[RepoOnHub], version: str) -> bool:
    """Whether nothing of a version is left to do: a staging branch that is still there says that something is."""
    return version in whole_versions(repos) and not any(
        f"{STAGING}{version}" in repo.state.branches for repo in repos
    )


def version_of(label: str) -> str:
    """`1.1.0+card.2` → `1.1.0`."""
    return label.partition("+")[0]


def nothing_here(hub: Hub, name: str) -> HubpubError:
    """The error where no repo of a release is on a Hub."""
    return HubpubError(
        "HP-R02",
        f"nothing of {name} was released on this Hub",
        where=hub.endpoint,
        hint=f"hubpub release {name}",
    )


def _left_by(names: Iterable[str], versions: Iterable[str]) -> list[str]:
    """Names such as `hubpub/v1.1.0+card.1` and `hubpub/v1.1.0/run`."""
    wanted = set(versions)
    ours = (name for name in names if name.startswith(STAGING))
    return sorted(n for n in ours if version_of(n.removeprefix(STAGING).partition("/")[0]) in wanted)
