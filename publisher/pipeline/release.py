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
from publisher.hub.port import Hub
from publisher.manifest.dataset import DatasetSettings
from publisher.manifest.evaluation import EvaluateSettings
from publisher.manifest.lock import (
    Lock,
    LockedArtifact,
    LockedStage,
    Released,
    answers_of,
    numbers_of,
    read_lock,
    write_lock,
    write_whole,
)
from publisher.manifest.project import ReleasePaths
from publisher.manifest.schema import BaseSettings, Manifest
from publisher.manifest.training import TrainSettings
from publisher.pipeline.cards import facts_text
from publisher.pipeline.inputs import (
    GivenAdapter,
    GivenBase,
    GivenBenchmarks,
    GivenDataset,
    GivenGeneral,
    GivenGgufs,
    GivenRun,
    GivenVariants,
    benchmarks_of,
    dataset_of,
    general_of,
    ggufs_of,
    own_weights,
    run_of,
    smoke_of,
    state_of,
    variants_of,
)
from publisher.pipeline.levels import Levels
from publisher.pipeline.memory import WorkspaceMemory
from publisher.pipeline.opened import Release
from publisher.pipeline.run import Results, Stage, run
from publisher.pipeline.services import Engine, LastVersion, Listener, Source, Wishes
from publisher.pipeline.signing import Signing
from publisher.pipeline.stages import STAGES, stages_of_run
from publisher.pipeline.stand_in import as_rehearsed
from publisher.pipeline.steps.card import card
from publisher.pipeline.steps.check import Accepted
from publisher.pipeline.steps.evaluate import Structured
from publisher.pipeline.steps.gates import Gates
from publisher.pipeline.steps.gguf import Converting
from publisher.pipeline.steps.merge import Merging
from publisher.pipeline.steps.resolve import BaseWeights
from publisher.pipeline.steps.tensors import WithWeights
from publisher.pipeline.steps.validate import CompatibleWith, Smoke
from publisher.pipeline.words import Words
from publisher.records.changes import WITHOUT_TENSORS
from publisher.records.facts import Facts
from publisher.records.plans import Plan
from publisher.records.receipts import Promoted, ProofLevel, Receipt, Version
from publisher.records.runs import (
    Adapter,
    Base,
    Cards,
    Dataset,
    Ggufs,
    Identity,
    Made,
    Merged,
    Pins,
    Quantized,
    Variants,
    each_of,
)
from publisher.records.stand_in import SUFFIX
from publisher.release.journal import Journal
from publisher.release.readme import not_as_rendered
from publisher.release.receipt import files_on_main

# What stages are handed besides records: no part of any key.
SERVICES = frozenset({ReleasePaths, Hub, Source, Engine, Journal, Listener, Wishes, LastVersion})
MADE = (Base, Dataset, Adapter, Merged, Quantized, Ggufs)


def run_release(
    release: Release,
    hub: Hub,
    source: Hub,
    wishes: Wishes,
    listener: Listener,
    *,
    until: str | None = None,
    only: str | None = None,
    limits: Limits | None = None,
) -> Results:
    """Run the stages; `only` names one that needs no other, which then runs alone.

    Raises:
        HubpubError: HP-X03 another run of this name goes on; whatever a stage refuses.
        KeyboardInterrupt: interrupted; what was done is kept.
    """
    paths, manifest = release.paths, release.manifest
    if until is not None and until not in {stage.name for stage in STAGES}:
        names = ", ".join(stage.name for stage in STAGES)
        raise HubpubError("HP-M09", f"there is no stage {until!r}", hint=f"--until one of: {names}")
    with alone(paths), hash_cache(paths.hashes) as hashes:
        never = wishes.never_train and manifest.train is not None
        settings = settings_of(release, hub.host, hashes, wishes.version, wishes.proof)
        near = own_weights(settings[GivenGgufs], settings[GivenVariants])
        memory = WorkspaceMemory(
            paths, release.lock, lambda: hub, wishes.train, hashes, never_train=never, at_hand=near
        )
        stages = stages_of_run(proposing=wishes.propose, promoting=not release.promotes_separately)
        results = run(
            [stage for stage in stages if only in (None, stage.name)],
            manifest,
            services=_services(release, hub, source, wishes, listener, limits or Limits()),
            settings=settings,
            memory=memory,
            listener=listener,
            until=until,
            after=_Keeper(release, hub, wishes.propose).after,
            taken_as=as_rehearsed if paths.stand_in else lambda result: result,
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
    levels = Levels.of(manifest, proof)

    def given(kind: type[Any], place: str | None) -> Any:
        return kind(place, state_of(place, paths.folder, hashes)) if place else None

    return {
        BaseSettings: manifest.base,
        DatasetSettings: manifest.dataset,
        TrainSettings: manifest.train,
        EvaluateSettings: manifest.evaluate,
        Structured: Structured.of(manifest),
        GivenGeneral: general_of(manifest, paths.folder),
        GivenBase: given(
            GivenBase, None if paths.stand_in or manifest.base is None else manifest.base.folder
        ),
        GivenAdapter: given(GivenAdapter, manifest.adapter),
        GivenRun: run_of(manifest.training_run, paths.folder, hashes),
        GivenBenchmarks: benchmarks_of(manifest, paths.folder, hashes, release.lock),
        GivenGgufs: ggufs_of(manifest, paths.folder, hashes, release.lock),
        GivenVariants: variants_of(manifest, paths.folder, hashes, release.lock),
        GivenDataset: dataset_of(manifest.dataset, paths.folder, hashes),
        Levels: levels,
        BaseWeights: BaseWeights.of(manifest, levels),
        Smoke: smoke_of(manifest, paths.folder, hashes.sha256),
        CompatibleWith: CompatibleWith(manifest.compatible_with),
        Merging: Merging.of(manifest),
        Gates: manifest.gates,
        Converting: Converting.of(manifest, paths.name + (SUFFIX if paths.stand_in else "")),
        WithWeights: WithWeights(kind for kind in manifest.artifacts if kind not in WITHOUT_TENSORS),
        Signing: Signing.of(manifest, paths.folder),
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
        LastVersion: LastVersion(
            release.version_before(hub.host),
            release.repos_before(hub.host),
            release.numbers_before(hub.host),
            release.answers_before(hub.host),
        ),
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
            item.artifact.kind: item.artifact
            for item in (*map(results.made.get, MADE), *each_of(results.made.get(Variants)))
            if item is not None
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
                name: LockedStage(
                    results.keys[name],
                    stage.version,
                    stage.installed,
                    _digest_of(results.made.get(stage.makes)),
                )
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
        numbers, answers = numbers_of(results.facts), answers_of(results.facts)
        if promoted is not None:
            commits = promoted.commits
            return Released(plan.label, commits, repos, withdrawn, {}, edited, numbers, answers)
        before = self.release.lock.released.get(self.hub.host) if self.release.lock else None
        heads = {repo.ref.repo_id: repo.head for repo in plan.repos if repo.head}
        same = before is not None and dict(before.commits) == heads and dict(before.repos) == repos
        label = before.version if before and same else plan.label
        return Released(label, heads, repos, withdrawn, {}, edited, numbers, answers)


def _digest_of(result: object) -> str:
    return result.digest if isinstance(result, Made | Variants) else ""


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
