"""Rolling back: `main` becomes what it was at a version, by one new commit a repo. Tags and history stay as they are.

Whatever others brought into a repo, or changed of what they brought, stays; what we wrote becomes what it was. The
README is the version's own with a banner below its title, which says what was withdrawn.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

from publisher.card.banner import with_banner
from publisher.errors import HubpubError
from publisher.evidence.files import git_blob_id_of
from publisher.hub.port import Add, Copy, Delete, Hub, Operation, RemoteFile
from publisher.hub.retry import retried
from publisher.records.artifacts import README, Kind, is_card_file
from publisher.records.rollbacks import RepoRollback, RollbackPlan
from publisher.records.versions import precedence
from publisher.release.authorship import written_by_us
from publisher.release.commit import commit_once
from publisher.release.compare import HUBS_OWN
from publisher.release.conflict import pushed_meanwhile
from publisher.release.journal import Journal
from publisher.release.on_hub import RepoOnHub, whole_versions
from publisher.release.withdrawn import newer, statement, withdrawn

Banner = Callable[[Kind, tuple[str, ...]], str]  # what the README of an artifact says of withdrawn versions


def plan_rollback(
    hub: Hub, name: str, repos: Sequence[RepoOnHub], version: str, banner: Banner, only: Kind | None = None
) -> RollbackPlan:
    """Say, repo by repo, what going back to a version would change. Reads only.

    With `only`, all repos are looked at and one is changed: a version counts as withdrawn where it is in any repo.

    Raises:
        HubpubError: HP-M09 where the version is not whole on this Hub, or not in the one repo.
    """
    chosen = [repo for repo in repos if only in (None, repo.kind)]
    _refuse_unknown(hub, name, repos, chosen, version, only)
    stated = {v for repo in repos for v in withdrawn(repo.history, name)}
    held = {repo.kind: newer(repo.held, version) for repo in chosen if version in repo.tagged}
    back = newer(stated.union(*held.values()), version)
    planned = (
        _plan_repo(hub, repo, version, held.get(repo.kind, ()), back, banner) for repo in reversed(chosen)
    )
    part = (repo for repo in repos if repo.was_part_of(version))
    whole = all(repo.kind in held or repo.version == version for repo in part)
    gone = stated.union(back) - ({version} if whole else set())
    return RollbackPlan(
        hub.endpoint, hub.host, name, version, tuple(planned), tuple(sorted(gone, key=precedence)), whole
    )


def roll_back(hub: Hub, plan: RollbackPlan, journal: Journal) -> dict[str, str]:
    """Do what the plan says; returns repo id → commit on `main`.

    Those repos go first that point to others, so that no `main` points to what is not there any more.

    Raises:
        HubpubError: HP-H05 where someone pushed to `main` since the plan, nothing of theirs is overwritten;
            HP-R01 where `main` does not hold what it should.
    """
    for repo in plan.repos:
        state = hub.state(repo.ref)
        if state is None or state.head != repo.head:
            raise _moved(hub, plan, repo)
    commits: dict[str, str] = {}
    for repo in plan.repos:
        commits[repo.ref.repo_id] = _put_back(hub, plan, repo, journal) if repo.touches_main else repo.head
        if repo.becomes_private:
            with journal.step("visibility", repo=repo.ref.repo_id, to="private"):
                hub.set_visibility(repo.ref, private=True)
    for repo in plan.repos:
        for branch in repo.branches:
            with journal.step("unbranch", repo=repo.ref.repo_id, branch=branch):
                hub.delete_branch(repo.ref, branch)
        for tag in repo.tags:
            with journal.step("unproof", repo=repo.ref.repo_id, tag=tag):
                hub.delete_tag(repo.ref, tag)
    return commits


def _refuse_unknown(
    hub: Hub,
    name: str,
    repos: Sequence[RepoOnHub],
    chosen: Sequence[RepoOnHub],
    version: str,
    only: Kind | None,
) -> None:
    known = whole_versions(repos) if only is None else whole_versions(chosen)
    if version not in known:
        where = f" in {chosen[0].ref.repo_id}" if only is not None and chosen else ""
        raise HubpubError(
            "HP-M09",
            f"there is no {version} of {name}{where} to go back to"
            + (f"; there is {', '.join(known)}" if known else ""),
            where=hub.endpoint,
            hint=f"hubpub rollback {name} {known[-1]}" if known else f"hubpub status {name}",
            versions=known,
        )


def _plan_repo(
    hub: Hub,
    repo: RepoOnHub,
    version: str,
    held: tuple[str, ...],
    back: tuple[str, ...],
    banner: Banner,
) -> RepoRollback:
    source = repo.tagged.get(version)
    plain = RepoRollback(
        repo.kind,
        repo.ref,
        repo.label,
        repo.head,
        branches=tuple(repo.staged(back)),
        tags=tuple(repo.proofs(back)),
    )
    if source is None:
        return replace(plain, note=f"was no part of {version} and stays as it is")
    then = {file.path: file for file in hub.tree(repo.ref, source)}
    now = {file.path: file for file in hub.tree(repo.ref, repo.head)}
    copied, deleted, kept = _differences(hub, repo, source, then, now)
    contents = [p for p in (*copied, *deleted) if not is_card_file(p) and p not in HUBS_OWN]
    if repo.version == version and not contents:
        return replace(plain, source=source, note=f"holds {version} already")
    readme = _readme(hub, repo, source, banner(repo.kind, back)) if README in then and back else None
    if readme is not None and now.get(README) and git_blob_id_of(readme) == now[README].blob_id:
        readme = None
    elif README in then and not back and _blob(now.get(README)) != then[README].blob_id:
        copied.append(README)
    outcome = {path: file.blob_id for path, file in now.items() if path not in deleted}
    outcome |= {path: then[path].blob_id for path in copied}
    if readme is not None:
        outcome[README] = git_blob_id_of(readme)
    return replace(
        plain,
        source=source,
        copied=tuple(copied),
        bytes_copied=sum(then[path].size for path in copied),
        deleted=tuple(deleted),
        kept=tuple(kept),
        readme=readme,
        outcome={path: blob for path, blob in outcome.items() if path not in HUBS_OWN},
        withdraws=held,
    )


def _differences(
    hub: Hub, repo: RepoOnHub, source: str, then: dict[str, RemoteFile], now: dict[str, RemoteFile]
) -> tuple[list[str], list[str], list[str]]:
    """Paths to take from the version, to delete, and to leave to others. The README goes its own way."""
    own = HUBS_OWN | ({README} & then.keys())
    differing = {p for p in then if p not in own and _blob(now.get(p)) != then[p].blob_id}
    further = now.keys() - then.keys() - own
    ours = _written(hub, repo, source, differing)
    ours |= _written(hub, repo, repo.head, (differing - ours) | further)
    copied, kept = sorted(differing & ours), sorted((differing | further) - ours)
    for path in HUBS_OWN & then.keys():
        # How large files are told apart: where others have some, the newer rules may be theirs.
        if not kept and _blob(now.get(path)) != then[path].blob_id:
            copied.append(path)
    return copied, sorted(further & ours), kept


def _written(hub: Hub, repo: RepoOnHub, revision: str, paths: Collection[str]) -> set[str]:
    return written_by_us(hub, repo.ref, repo.name, revision, paths)


def _readme(hub: Hub, repo: RepoOnHub, source: str, banner: str) -> bytes:
    content = retried(lambda: b"".join(hub.read(repo.ref, source, README)))
    text = content.decode("utf-8", "surrogateescape")
    return with_banner(text, banner).encode("utf-8", "surrogateescape")


def _put_back(hub: Hub, plan: RollbackPlan, repo: RepoRollback, journal: Journal) -> str:
    operations: list[Operation] = [Copy(path, str(repo.source)) for path in repo.copied]
    operations += [Delete(path) for path in repo.deleted]
    if repo.readme is not None:
        operations.append(Add(README, repo.readme))
    with journal.step("rollback", repo=repo.ref.repo_id, parent=repo.head, to=repo.source):
        try:
            head = commit_once(
                hub,
                repo.ref,
                "main",
                operations,
                mark=plan.mark,
                title=f"{plan.name} back to {plan.version}: {repo.kind}",
                parent=repo.head,
                statement=statement(repo.withdraws),
            )
        except HubpubError as fault:
            if fault.code != "HP-H05":
                raise
            raise _moved(hub, plan, repo) from fault
    found = {file.path: file.blob_id for file in hub.tree(repo.ref, head) if file.path not in HUBS_OWN}
    if found != repo.outcome:
        differing = sorted({path for path, _ in found.items() ^ repo.outcome.items()})
        raise HubpubError(
            "HP-R01",
            f"main of {repo.ref.repo_id} is not what {plan.version} was: {', '.join(differing[:3])}",
            where=f"{hub.endpoint}/{repo.ref.repo_id}",
            hint=f"look at it, then: hubpub rollback {plan.name} {plan.version}",
            paths=differing,
        )
    return head


def _moved(hub: Hub, plan: RollbackPlan, repo: RepoRollback) -> HubpubError:
    found = pushed_meanwhile(hub, repo.ref, repo.head)
    again = " ".join(filter(None, ["hubpub rollback", plan.name, plan.version]))
    return HubpubError(
        found.code,
        found.what,
        where=found.where,
        hint=f"nothing was overwritten; look at it, then again: {again}",
        **found.data,
    )


def _blob(file: RemoteFile | None) -> str | None:
    return file.blob_id if file else None
