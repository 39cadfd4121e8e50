"""A released artifact whose id changed in the manifest: its repo is renamed, with all that it holds."""

from __future__ import annotations

from dataclasses import replace

from publisher.errors import HubpubError
from publisher.hub.port import Hub
from publisher.hub.retry import once
from publisher.records.artifacts import RepoRef
from publisher.records.plans import Package
from publisher.release.conflict import same_repo


def where_it_stands(hub: Hub, package: Package, former: RepoRef | None) -> Package:
    """The package, under the id that its repo has now: the former one, where the rename is still to come.

    Raises:
        HubpubError: HP-H05 where there are two repos.
    """
    if former is None or same_repo(former, package.ref):
        return package
    old = hub.state(former)
    if old is None or not same_repo(old.ref, former):  # gone, or renamed already: the old id leads elsewhere
        return package
    if hub.state(package.ref) is None:
        return replace(package, ref=former)
    raise HubpubError(
        "HP-H05",
        f"{former.repo_id} was released and shall be renamed {package.ref.repo_id}, but there is such a repo already",
        where=f"{hub.endpoint}/{package.ref.repo_id}",
        hint=f"rename or delete one of the two on the Hub, or take the old id back: repo: {former.repo_id}",
        former=former.repo_id,
    )


def move_once(hub: Hub, old: RepoRef, new: RepoRef) -> None:
    """Rename a repo, unless it was renamed already and the answer never came.

    Raises:
        HubpubError: as the Hub refuses.
    """
    once(lambda: hub.move(old, new), done=lambda: _stands_at(hub, new))


def _stands_at(hub: Hub, ref: RepoRef) -> bool:
    state = hub.state(ref)
    return state is not None and same_repo(state.ref, ref)
