"""Looking without touching: plans and states from the lock, the committed cards and the Hub."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from publisher.card.trace import Rendered
from publisher.errors import HubpubError
from publisher.evidence.hashes import HashCache
from publisher.hub.port import Hub
from publisher.pipeline.memory import WorkspaceMemory
from publisher.pipeline.packages import pack_locked, pack_unmade
from publisher.pipeline.release import SERVICES, Release, settings_of
from publisher.pipeline.run import key_of
from publisher.pipeline.services import LastVersion, Source, Wishes
from publisher.pipeline.stages import STAGES
from publisher.pipeline.steps.card import card, render_all
from publisher.pipeline.steps.preflight import preflight
from publisher.records.artifacts import Kind
from publisher.records.facts import Facts
from publisher.records.plans import Plan
from publisher.records.receipts import Version
from publisher.release.plan import make_plan
from publisher.release.version import decide_version


def preflight_problems(release: Release, hub: Hub, source: Hub) -> list[HubpubError]:
    """Everything that stands in the way of a release, as far as it can be known now."""
    try:
        last = LastVersion(release.version_before(hub.host))
        preflight(release.paths, hub, Source(source), release.manifest, release.identity, Wishes(), last)
    except HubpubError as first:
        return list(first.data.get("all", [first]))
    return []


def plan_locked(release: Release, hub: Hub, asked: str | None) -> Plan:
    """The plan for what the lock says exists. Nothing is written, and no weight is hashed."""
    lock = release.lock
    made = lock is not None and lock.artifacts
    packages = (
        pack_locked(release.identity, lock, release.paths) if lock and made else pack_unmade(release.identity)
    )
    number = asked or release.manifest.version
    last = release.version_before(hub.host)
    version = decide_version(hub, packages, asked=number, last=last, name=release.paths.name)
    return make_plan(hub, release.paths.name, packages, version)


def rendered_from_lock(release: Release) -> dict[Kind, Rendered]:
    """The cards as the lock's facts and the present prose render them.

    Raises:
        HubpubError: HP-C01 where nothing was measured yet.
    """
    if release.lock is None or not release.lock.facts:
        raise HubpubError(
            "HP-C01",
            f"no facts of {release.paths.name} were measured yet",
            where=str(release.paths.lock),
            hint=f"hubpub release {release.paths.name} --until card --hub local",
        )
    stated = release.stated
    measured = [fact for fact in release.lock.facts if fact.stage != "stated"]
    version = _card_version(release)
    return render_all(
        release.manifest,
        release.templates,
        release.identity,
        release.pins(version),
        release.words,
        version,
        Facts([*stated.values(), *measured]),
    )


def _card_version(release: Release) -> Version:
    """The version that the committed cards name: the manifest's, else the newest that was released anywhere."""
    lock = release.lock
    numbers = [r.version.split("+")[0] for r in lock.released.values()] if lock else []
    return Version(release.manifest.version or max(numbers, key=_order, default=None) or "1.0.0")


def _order(number: str) -> tuple[int, ...]:
    return tuple(int(part) for part in number.split("-")[0].split("."))


@dataclass(frozen=True)
class StageState:
    """Whether a stage would run, and why."""

    name: str
    runs: bool
    reason: str


def stage_states(release: Release, hub: Hub) -> Iterator[StageState]:
    """Why each stage will run or be skipped, from what is remembered. Runs nothing."""
    hashes = HashCache(release.paths.hashes)  # never saved: whoever looks leaves no trace
    settings = settings_of(release, hub.host, hashes)
    memory = WorkspaceMemory(release.paths, None, lambda: hub, may_train=True, hashes=hashes)
    elsewhere = replace(memory, lock=release.lock)
    made: dict[Any, Any] = {}
    facts = list(release.stated.values())
    unknown: set[Any] = set()
    for stage in STAGES:
        if stage.work is card:
            made[Version] = Version(release.version_expected(hub.host).number)
        reason = None if stage.work.__name__ in _LOOKS else stage.unwanted(release.manifest, made)
        if reason is not None:
            made[stage.makes] = None
            yield StageState(stage.name, False, reason)
            continue
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
        key = key_of(stage, counted)
        kept, why = memory.recall(stage, key)
        if kept is None and (promised := elsewhere.foresee(stage, key)) is not None:
            kept, why = promised, "will be restored as the lock has it"
        if kept is None:
            unknown |= {stage.makes, Facts}
        else:
            made[stage.makes] = kept
            facts += getattr(kept, "facts", ())
        yield StageState(stage.name, kept is None, why)


_LOOKS = frozenset(
    {"preflight", "version", "check", "package", "plan", "publish", "verify", "promote", "receipt"}
)
