"""A release as its manifest and its lock tell it: everything that is known before a stage runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from publisher.card.templates import Templates
from publisher.evidence.stated import stated_facts
from publisher.manifest.load import load_defaults, load_manifest
from publisher.manifest.lock import Lock, read_lock
from publisher.manifest.project import Project, ReleasePaths
from publisher.manifest.schema import Manifest, repo_refs, visibility_of
from publisher.pipeline.stand_in import rehearsal_of
from publisher.pipeline.words import Words, read_words
from publisher.records.artifacts import KINDS, Kind, RepoRef
from publisher.records.facts import Facts
from publisher.records.receipts import Version
from publisher.records.runs import Identity, Pins
from publisher.records.stand_in import SUFFIX
from publisher.records.versions import FIRST


@dataclass(frozen=True)
class Release:
    """Everything about one release that is known before it runs.

    `swapped`: in a rehearsal, what is other in the manifest than its author wrote it, in words.
    """

    project: Project
    paths: ReleasePaths
    manifest: Manifest
    lock: Lock | None
    swapped: tuple[str, ...] = ()

    @classmethod
    def open(
        cls, project: Project, name: str, owner: str | None = None, *, stand_in: bool = False
    ) -> Release:
        """Read manifest and lock. `owner` takes the place of the manifest's; `stand_in`: as it is rehearsed.

        Raises:
            HubpubError: HP-M01, HP-M02, HP-M04, HP-M05, HP-M06.
        """
        manifest = load_manifest(project, name, owner=owner)
        paths = project.release(name, stand_in=stand_in)
        swapped: tuple[str, ...] = ()
        if stand_in:
            rehearsal = rehearsal_of(manifest, name)
            manifest, swapped = rehearsal.manifest, rehearsal.swapped
        return cls(project, paths, manifest, read_lock(paths.lock), swapped)

    @property
    def identity(self) -> Identity:
        """Names and visibility."""
        refs = repo_refs(self.manifest, self.paths.name)
        private = {kind: visibility_of(self.manifest, kind) == "private" for kind in refs}
        return Identity(self.paths.name, refs, private)

    @property
    def promotes_separately(self) -> bool:
        """Whether the project's policy makes promotion a step of its own; no manifest can say otherwise."""
        defaults = load_defaults(self.project)
        return defaults is not None and defaults.policy.promote == "separate"

    def version_before(self, host: str) -> str | None:
        """The version last released on a Hub, without its card revision."""
        released = self.lock.released.get(host) if self.lock else None
        return released.version.split("+")[0] if released else None

    def repos_before(self, host: str) -> Mapping[Kind, RepoRef]:
        """The repos that the artifacts were last released to on a Hub."""
        released = self.lock.released.get(host) if self.lock else None
        if self.lock is None or released is None:
            return {}
        locked = {kind: self.lock.artifacts[kind].repo for kind in KINDS if kind in self.lock.artifacts}
        repos = released.repos or {kind: repo for kind, repo in locked.items() if repo in released.commits}
        return {
            kind: RepoRef(repo, "dataset" if kind == "dataset" else "model") for kind, repo in repos.items()
        }

    def numbers_before(self, host: str) -> Mapping[str, float]:
        """What was measured of the version last released on a Hub."""
        released = self.lock.released.get(host) if self.lock else None
        return released.numbers if released else {}

    def answers_before(self, host: str) -> Mapping[str, Mapping[str, str]]:
        """What the version last released on a Hub answered to the test prompts."""
        released = self.lock.released.get(host) if self.lock else None
        return released.answers if released else {}

    def version_expected(self, host: str, asked: str | None = None) -> Version:
        """The version as far as it can be told without asking the Hub."""
        number = asked or self.manifest.version or self.version_before(host) or FIRST
        released = self.lock.released.get(host) if self.lock else None
        withdrawn = released.withdrawn if released else ()
        return Version(number, released=number == self.version_before(host), withdrawn=withdrawn)

    def pins(self, version: Version) -> Pins:
        """How adapters and cards name the base."""
        if "base" in self.identity.refs:
            return Pins(self.base_repo, version.tag)
        pinned = None if self.paths.stand_in or self.manifest.base is None else self.manifest.base.revision
        return Pins(self.base_repo, pinned)

    @property
    def base_repo(self) -> str:
        """The base's Hub id; empty where a dataset is released by itself.

        A stand-in goes by a name that no repo has: nothing made of it fits the real one.
        """
        own = self.identity.refs.get("base")
        if own is not None:
            return own.repo_id
        if self.manifest.base is None:
            return ""
        return f"{self.manifest.base.model}{SUFFIX if self.paths.stand_in else ''}"

    @property
    def stated(self) -> Facts:
        """What the author states."""
        return Facts(stated_facts(self.manifest.stated))

    @property
    def words(self) -> Words:
        """The author's prose."""
        return read_words(self.manifest, self.paths)

    @property
    def templates(self) -> Templates:
        """The project's own templates over the built-in ones."""
        return Templates.of(self.project.root)
