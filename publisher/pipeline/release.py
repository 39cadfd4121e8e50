"""One release, from the manifest to the receipt: gathers what the stages are fed, runs them, keeps lock and facts."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from publisher.card.templates import Templates
from publisher.engine.worker import Limits
from publisher.errors import HubpubError
from publisher.evidence.hashes import HashCache, hash_cache
from publisher.evidence.stated import stated_facts
from publisher.hub.port import Hub
from publisher.manifest.load import load_defaults, load_manifest
from publisher.manifest.lock import (
    Lock,
    LockedArtifact,
    LockedStage,
    Released,
    read_lock,
    write_lock,
    write_whole,
)
from publisher.manifest.project import Project, ReleasePaths
from publisher.manifest.schema import (
    BaseSettings,
    DatasetSettings,
    EvaluateSettings,
    Manifest,
    TrainSettings,
    repo_refs,
    visibility_of,
)
from publisher.pipeline.inputs import GivenAdapter, GivenBase, GivenDataset, state_of
from publisher.pipeline.levels import Levels
from publisher.pipeline.memory import WorkspaceMemory
from publisher.pipeline.run import Results, Stage, run
from publisher.pipeline.services import Engine, LastVersion, Listener, Source, Wishes
from publisher.pipeline.stages import STAGES, stopping_when_proven
from publisher.pipeline.steps.card import Words, card, facts_text, read_words
from publisher.pipeline.steps.check import Accepted
from publisher.pipeline.steps.gates import Gates
from publisher.pipeline.steps.tensors import WithWeights
from publisher.pipeline.steps.validate import Smoke
from publisher.records.artifacts import KINDS, Kind, RepoRef
from publisher.records.facts import Facts
from publisher.records.plans import Plan
from publisher.records.receipts import Promoted, ProofLevel, Receipt, Version
from publisher.records.runs import Adapter, Base, Cards, Dataset, Identity, Merged, Pins, Quantized
from publisher.release.journal import Journal
from publisher.release.readme import not_as_rendered
from publisher.release.receipt import files_on_main
from publisher.release.version import FIRST

# What stages are handed besides records: no part of any key.
SERVICES = frozenset({ReleasePaths, Hub, Source, Engine, Journal, Listener, Wishes, LastVersion})
MADE = (Base, Dataset, Adapter, Merged, Quantized)


@dataclass(frozen=True)
class Release:
    """Everything about one release that is known before it runs."""

    project: Project
    paths: ReleasePaths
    manifest: Manifest
    lock: Lock | None

    @classmethod
    def open(cls, project: Project, name: str, owner: str | None = None) -> Release:
        """Read manifest and lock. `owner` takes the place of the manifest's.

        Raises:
            HubpubError: HP-M01, HP-M02, HP-M04, HP-M05, HP-M06.
        """
        manifest = load_manifest(project, name, owner=owner)
        paths = project.release(name)
        return cls(project, paths, manifest, read_lock(paths.lock))

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

    def version_expected(self, host: str, asked: str | None = None) -> Version:
        """The version as far as it can be told without asking the Hub."""
        number = asked or self.manifest.version or self.version_before(host) or FIRST
        released = self.lock.released.get(host) if self.lock else None
        withdrawn = released.withdrawn if released else ()
        return Version(number, released=number == self.version_before(host), withdrawn=withdrawn)

    def pins(self, version: Version) -> Pins:
        """How adapters and cards name the base."""
        base = self.manifest.base
        own = self.identity.refs.get("base")
        if own is not None:
            return Pins(own.repo_id, version.tag)
        return Pins(str(base.model), base.revision)

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


def run_release(
    release: Release,
    hub: Hub,
    source: Hub,
    wishes: Wishes,
    listener: Listener,
    *,
    until: str | None = None,
    limits: Limits | None = None,
) -> Results:
    """Run the stages.

    Raises:
        HubpubError: HP-X03 another run of this name goes on; whatever a stage refuses.
        KeyboardInterrupt: interrupted; what was done is kept.
    """
    paths, manifest = release.paths, release.manifest
    if until is not None and until not in {stage.name for stage in STAGES}:
        names = ", ".join(stage.name for stage in STAGES)
        raise HubpubError("HP-M09", f"there is no stage {until!r}", hint=f"--until one of: {names}")
    with alone(paths), hash_cache(paths.hashes) as hashes:
        memory = WorkspaceMemory(paths, release.lock, lambda: hub, wishes.train, hashes)
        results = run(
            stopping_when_proven(STAGES) if release.promotes_separately else STAGES,
            manifest,
            services=_services(release, hub, source, wishes, listener, limits or Limits()),
            settings=settings_of(release, hub.host, hashes, wishes.version, wishes.proof),
            memory=memory,
            listener=listener,
            until=until,
            after=_Keeper(release, hub, wishes.propose).after,
        )
        if manifest.keep == "none" and results.made.get(Receipt) is not None:
            memory.drop(STAGES, release.identity.refs)
        return results


def settings_of(
    release: Release, host: str, hashes: HashCache, asked: str | None = None, proof: ProofLevel = "run"
) -> dict[Any, Any]:
    """What counts towards the stages' keys, by type."""
    manifest, paths = release.manifest, release.paths
    expected = release.version_expected(host, asked)

    def given(kind: type[Any], place: str | None) -> Any:
        return kind(place, state_of(place, paths.folder, hashes)) if place else None

    return {
        BaseSettings: manifest.base,
        DatasetSettings: manifest.dataset,
        TrainSettings: manifest.train,
        EvaluateSettings: manifest.evaluate,
        GivenBase: given(GivenBase, manifest.base.folder),
        GivenAdapter: given(GivenAdapter, manifest.adapter),
        GivenDataset: given(GivenDataset, manifest.dataset.folder if manifest.dataset else None),
        Levels: Levels.of(manifest, proof),
        Smoke: manifest.smoke,
        Gates: manifest.gates,
        WithWeights: WithWeights(kind for kind in manifest.artifacts if kind != "dataset"),
        Accepted: manifest.accept,
        Manifest: manifest,
        Identity: release.identity,
        Pins: release.pins(expected),
        Words: release.words,
        Templates: release.templates,
        Facts: release.stated,
    }


def _services(
    release: Release, hub: Hub, source: Hub, wishes: Wishes, listener: Listener, limits: Limits
) -> Mapping[Any, Any]:
    """What stages are handed besides: no part of any key."""
    paths = release.paths
    return {
        ReleasePaths: paths,
        Hub: hub,
        Source: Source(source),
        Engine: Engine(paths.scratch, listener, limits),
        Journal: Journal(paths.hub(hub.host) / "journal.jsonl", time.time),
        Listener: listener,
        Wishes: wishes,
        LastVersion: LastVersion(release.version_before(hub.host), release.repos_before(hub.host)),
    }


@dataclass(frozen=True)
class _Keeper:
    """Writes facts and lock when there is something whole to write: after the cards, and after the release."""

    release: Release
    hub: Hub
    proposing: bool  # what others may merge is not released

    def after(self, stage: Stage, results: Results) -> None:
        if stage.work is card:
            self._keep(results)
        if stage.makes is Promoted and not self.proposing and _is_released(results):
            self._keep(results, self._released(results))

    def _keep(self, results: Results, released: Released | None = None) -> None:
        paths = self.release.paths
        facts = Facts([*self.release.stated.values(), *results.facts])
        write_whole(paths.facts, facts_text(facts))
        before = read_lock(paths.lock) or Lock(name=paths.name)
        cards: Cards = results.made[Cards]
        made = {
            item.artifact.kind: item.artifact for kind in MADE if (item := results.made.get(kind)) is not None
        }
        refs = self.release.identity.refs
        remembered = {
            stage.name: stage for stage in STAGES if stage.remembered and stage.name in results.keys
        }
        lock = Lock(
            name=paths.name,
            facts=tuple(facts.values()),
            artifacts={
                kind: LockedArtifact(ref.repo_id, made[kind].files, tuple(cards.files[kind]))
                for kind, ref in refs.items()
                if kind in made
            },
            stages={
                name: LockedStage(results.keys[name], stage.version, stage.installed)
                for name, stage in remembered.items()
            },
            released={**before.released, **({self.hub.host: released} if released else {})},
        )
        if lock != before:
            write_lock(paths.lock, lock)

    def _released(self, results: Results) -> Released:
        plan: Plan = results.made[Plan]
        promoted: Promoted | None = results.made[Promoted]
        version: Version = results.made[Version]
        withdrawn = version.withdrawn
        repos = {repo.artifact: repo.ref.repo_id for repo in plan.repos}
        cards: Cards = results.made[Cards]
        edited = {
            repo.ref.repo_id: theirs
            for repo in plan.repos
            if (theirs := not_as_rendered(cards.files[repo.artifact], files_on_main(repo)))
        }
        if promoted is not None:
            return Released(plan.label, promoted.commits, repos, withdrawn, edited=edited)
        before = self.release.lock.released.get(self.hub.host) if self.release.lock else None
        heads = {repo.ref.repo_id: repo.head for repo in plan.repos if repo.head}
        same = before is not None and dict(before.commits) == heads and dict(before.repos) == repos
        label = before.version if before and same else plan.label
        return Released(label, heads, repos, withdrawn, edited=edited)


def _is_released(results: Results) -> bool:
    """Whether `main` holds it, now or already: what is staged and proven only waits for its promotion."""
    return results.made[Promoted] is not None or not results.made[Plan].changes_anything


@contextmanager
def alone(paths: ReleasePaths) -> Iterator[None]:
    """Hold the lock of this release's workspace."""
    from filelock import FileLock, Timeout

    paths.workspace.mkdir(parents=True, exist_ok=True)
    lock = FileLock(paths.workspace / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise HubpubError(
            "HP-X03",
            f"another run of {paths.name} goes on",
            where=str(paths.workspace),
            hint="wait for it, or stop it",
        ) from None
    try:
        yield
    finally:
        lock.release()
