"""Looking without touching: plans and states from the lock, the committed cards and the Hub."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from publisher.card.trace import Rendered
from publisher.errors import HubpubError
from publisher.evidence.hashes import HashCache
from publisher.hub.port import Hub
from publisher.manifest.lock import Lock
from publisher.pipeline.cards import cards_on_disk, traced_as
from publisher.pipeline.locked_cards import rendered_from_lock
from publisher.pipeline.memory import WorkspaceMemory
from publisher.pipeline.opened import Release
from publisher.pipeline.packages import pack_locked, pack_unmade
from publisher.pipeline.release import SERVICES, settings_of
from publisher.pipeline.run import Stage, serving_keys
from publisher.pipeline.services import LastVersion, Source, Wishes
from publisher.pipeline.stages import STAGES
from publisher.pipeline.stand_in import refuse_marked
from publisher.pipeline.steps.card import card
from publisher.pipeline.steps.changes import changes
from publisher.pipeline.steps.preflight import preflight
from publisher.records.artifacts import Kind
from publisher.records.facts import Facts
from publisher.records.plans import Package, Plan
from publisher.records.receipts import ProofLevel, Version
from publisher.release.new_bytes import with_known_bytes
from publisher.release.plan import make_plan
from publisher.release.readme import settle
from publisher.release.supersede import plan_superseded
from publisher.release.version import decide_version


def preflight_problems(release: Release, hub: Hub, source: Hub) -> list[HubpubError]:
    """Everything that stands in the way of a release, as far as it can be known now."""
    try:
        last = LastVersion(release.version_before(hub.host), release.repos_before(hub.host))
        preflight(release.paths, hub, Source(source), release.manifest, release.identity, Wishes(), last)
    except HubpubError as first:
        return list(first.data.get("all", [first]))
    return []


def plan_locked(release: Release, hub: Hub, asked: str | None) -> Plan:
    """The plan for what the lock says exists. Nothing is written, and no weight is hashed.

    Raises:
        HubpubError: HP-M12, a stand-in was made, and the Hub is not on this machine; whatever else stands in the way.
    """
    lock = release.lock
    facts = lock.facts if lock else ()
    stands_in = release.paths.stand_in or any(fact.stand_in or fact.id == "base.stand_in" for fact in facts)
    refuse_marked(hub, (), rehearsing=stands_in)
    made = lock is not None and lock.artifacts
    packages = (
        pack_locked(release.identity, lock, release.paths) if lock and made else pack_unmade(release.identity)
    )
    number = asked or release.manifest.version
    last = release.version_before(hub.host)
    name, former = release.paths.name, release.repos_before(hub.host)
    version = decide_version(hub, packages, asked=number, last=last, name=name, former=former)
    packages = _with_readmes(release, hub, packages)
    plan = make_plan(hub, name, packages, version, former=former)
    identity = release.identity
    older = plan_superseded(hub, identity.refs, identity.private, release.manifest.supersedes)
    return with_known_bytes(hub, replace(plan, superseded=older), Facts(lock.facts if lock else ()))


def _with_readmes(release: Release, hub: Hub, packages: Sequence[Package]) -> tuple[Package, ...]:
    """The packages as `package` would hand them on: with what others made of their READMEs."""

    @cache
    def rendered() -> dict[Kind, Rendered]:
        return rendered_from_lock(release)

    kinds = [package.kind for package in packages if package.card]
    texts = cards_on_disk(release.paths, kinds)
    texts |= {kind: rendered()[kind].text for kind in kinds if kind not in texts}
    return settle(
        hub,
        release.paths.name,
        packages,
        texts,
        lambda kind: traced_as(texts[kind], rendered().get(kind)),
        release.repos_before(hub.host),
    )


@dataclass(frozen=True)
class StageState:
    """Whether a stage would run, and why; and whether what it then made would be what it made before."""

    name: str
    runs: bool
    reason: str
    the_same: bool = False


@dataclass(frozen=True)
class _MadeElsewhere:
    """An artifact that no Hub has and of which no file is here, as far as later stages' keys need it."""

    digest: str


def stage_states(release: Release, hub: Hub, proof: ProofLevel = "run") -> Iterator[StageState]:
    """Why each stage will run or be skipped, from what is remembered. Runs nothing."""
    hashes = HashCache(release.paths.hashes)  # never saved: whoever looks leaves no trace
    settings = settings_of(release, hub.host, hashes, proof=proof)
    memory = WorkspaceMemory(release.paths, None, lambda: hub, may_train=True, hashes=hashes)
    elsewhere = replace(memory, lock=release.lock)
    made: dict[Any, Any] = {}
    facts = list(release.stated.values())
    unknown: set[Any] = set()
    for stage in STAGES:
        if stage.work is card:
            made[Version] = release.version_expected(hub.host)
        reason = None if stage.work.__name__ in _LOOKS else stage.unwanted(release.manifest, made)
        if reason is not None:
            made[stage.makes] = None
            yield StageState(stage.name, False, reason)
            continue
        if stage.work is changes:  # what the last run saw: whoever only looks here asks no Hub
            locked = release.lock.facts if release.lock else ()
            facts += [fact for fact in locked if fact.stage == stage.name]
        if not stage.remembered:
            yield StageState(stage.name, True, "always looks" if stage.name in _LOOKS else stage.why)
            continue
        waits = [kind for kind in stage.needs.values() if kind in unknown]
        if waits:
            unknown |= {stage.makes, Facts}
            yield StageState(stage.name, True, f"{waits[0].__name__.lower()} will be made anew")
            continue
        inputs = {**settings, **made, Facts: Facts(facts)}
        counted = {n: inputs.get(k) for n, k in stage.needs.items() if k not in SERVICES}
        keys = list(serving_keys(stage, counted))
        for key in keys:
            kept, why = memory.recall(stage, key)
            if kept is None and (promised := elsewhere.foresee(stage, key)) is not None:
                kept, why = promised, "will be restored as the lock has it"
            if kept is not None:
                break
        if kept is None and (again := _made_elsewhere(stage, keys, release.lock)) is not None:
            made[stage.makes] = again
            facts += [fact for fact in release.lock.facts if fact.stage == stage.name] if release.lock else []
            yield StageState(stage.name, True, "its files are not here; they will be as they were", True)
            continue
        if kept is None:
            unknown |= {stage.makes, Facts}
        else:
            made[stage.makes] = kept
            facts += getattr(kept, "facts", ())
        yield StageState(stage.name, kept is None, why)


def _made_elsewhere(stage: Stage, keys: Collection[str], lock: Lock | None) -> _MadeElsewhere | None:
    """What a fresh clone knows of a base, or of weights that are no artifact of the release."""
    locked = lock.stages.get(stage.name) if lock else None
    return _MadeElsewhere(locked.made) if locked and locked.made and locked.key in keys else None


_LOOKS = frozenset(
    {"preflight", "version", "changes", "check", "package", "plan", "publish", "verify", "promote", "receipt"}
)
