"""Rolling back, or taking back a first release that was never completed: needs the manifest, the lock and the Hub."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from publisher.card.render import render_section
from publisher.card.view import CardInput
from publisher.errors import HubpubError
from publisher.hub.port import Hub
from publisher.manifest.lock import Released, write_lock
from publisher.pipeline.environment import environment
from publisher.pipeline.opened import Release
from publisher.pipeline.release import alone
from publisher.records.artifacts import Kind
from publisher.records.facts import Facts
from publisher.records.rollbacks import RollbackPlan, receipt_of
from publisher.release.journal import Journal
from publisher.release.on_hub import RepoOnHub, look, nothing_here
from publisher.release.receipt import keep_rollback
from publisher.release.rollback import plan_rollback, roll_back
from publisher.release.take_back import plan_taking_back


@dataclass(frozen=True)
class RolledBack:
    """What was done: the plan, and repo id → commit that `main` is at now. `receipt`: its file, where anything was done."""

    plan: RollbackPlan
    commits: Mapping[str, str]
    receipt: Path | None


def run_rollback(
    release: Release,
    hub: Hub,
    version: str | None,
    *,
    only: Kind | None = None,
    confirm: Callable[[RollbackPlan], bool],
) -> RolledBack:
    """Plan, have it confirmed, do it, keep a receipt and write the lock. Whatever was done already is seen on the Hub.

    Raises:
        HubpubError: HP-M09 a version or an artifact that is not there, HP-R02 nothing was released here,
            HP-R04 not confirmed, HP-H05 someone pushed meanwhile, HP-R01 `main` is not what it should be,
            HP-X03 another run of this name goes on.
    """
    name, refs = release.paths.name, release.identity.refs
    if only is not None and only not in refs:
        raise HubpubError(
            "HP-M09",
            f"{only} is not among the artifacts of {name}",
            where=str(release.paths.manifest),
            hint=f"--only one of: {', '.join(refs)}",
        )
    with alone(release.paths):
        repos = look(hub, name, refs, release.repos_before(hub.host))
        if not any(only in (None, repo.kind) for repo in repos):
            raise nothing_here(hub, name)
        plan = _plan(release, hub, repos, version, only)
        if plan.changes_anything and not confirm(plan):
            raise HubpubError(
                "HP-R04", "the plan was not confirmed", hint="confirm it, or say --yes", where=hub.endpoint
            )
        journal = Journal(release.paths.hub(hub.host) / "journal.jsonl", time.time)
        commits = roll_back(hub, plan, journal) if plan.changes_anything else _heads(plan)
        receipt = None
        if plan.changes_anything:
            receipt = keep_rollback(receipt_of(plan, commits, environment()), release.paths.hub(hub.host))
        if version is not None:
            _keep(release, hub, repos, plan, commits)
        return RolledBack(plan, commits, receipt)


def _plan(
    release: Release, hub: Hub, repos: Sequence[RepoOnHub], version: str | None, only: Kind | None
) -> RollbackPlan:
    name = release.paths.name
    if version is None:
        return plan_taking_back(hub, name, repos, only)
    number = version

    def banner(kind: Kind, withdrawn: tuple[str, ...]) -> str:
        return render_section("withdrawn", _card(release, kind, number, withdrawn), release.templates)

    return plan_rollback(hub, name, repos, version, banner, only)


def _card(release: Release, kind: Kind, version: str, withdrawn: tuple[str, ...]) -> CardInput:
    """What the banner may speak of: names and versions, no facts."""
    manifest = release.manifest
    return CardInput(
        name=release.paths.name,
        version=version,
        kind=kind,
        repo_id=release.identity.refs[kind].repo_id,
        title=manifest.card.title or release.paths.name,
        owner=manifest.owner,
        licence=manifest.licence or "other",
        facts=Facts(),
        withdrawn=withdrawn,
    )


def _heads(plan: RollbackPlan) -> dict[str, str]:
    return {repo.ref.repo_id: repo.head for repo in plan.repos}


def _keep(
    release: Release, hub: Hub, repos: Sequence[RepoOnHub], plan: RollbackPlan, commits: Mapping[str, str]
) -> None:
    """Write into the lock what `main` holds now.

    Its version is the rolled back one as soon as every repo holds that; until then, with `--only`, it stays the
    release's. The lock's artifacts stay what was made here: `made_at` says where the Hub still has them. Where there is
    no lock, or it knows of no release on this Hub, there is nothing to correct.
    """
    lock = release.lock
    before = lock.released.get(hub.host) if lock else None
    if lock is None or before is None or plan.version is None:
        return
    now = {repo.ref.repo_id: repo.version for repo in repos}
    now |= {repo.ref.repo_id: plan.version for repo in plan.repos if repo.source is not None}
    made_at = {}
    for repo in repos:
        repo_id = repo.ref.repo_id
        made = before.made_at.get(repo_id, before.commits.get(repo_id))
        if made is not None and repo.version_at(made) != now[repo_id]:
            made_at[repo_id] = made
    same_version = before.version.partition("+")[0] == plan.version
    released = Released(
        before.version if same_version or not plan.whole else plan.version,
        {**before.commits, **commits},
        before.repos,
        plan.withdrawn,
        made_at,
    )
    if released != before:
        write_lock(release.paths.lock, replace(lock, released={**lock.released, hub.host: released}))
