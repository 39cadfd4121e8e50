"""Taking back a first release that was never completed: what of it is public already becomes private again.

Nothing is deleted and what is staged stays, so that `hubpub release NAME` can still complete it.
"""

from __future__ import annotations

from collections.abc import Sequence

from publisher.errors import HubpubError
from publisher.hub.port import Hub
from publisher.records.artifacts import Kind
from publisher.records.rollbacks import RepoRollback, RollbackPlan
from publisher.release import trailer
from publisher.release.compare import HUBS_OWN
from publisher.release.on_hub import RepoOnHub, completed, whole_versions


def plan_taking_back(
    hub: Hub, name: str, repos: Sequence[RepoOnHub], only: Kind | None = None
) -> RollbackPlan:
    """Say which repos would become private: those that this release made and showed. Reads only.

    Raises:
        HubpubError: HP-M09 where a version was completed, so that there is one to go back to.
    """
    known = [version for version in whole_versions(repos) if completed(repos, version)]
    if known:
        raise HubpubError(
            "HP-M09",
            f"say which version main of {name} shall hold: {', '.join(known)}",
            where=hub.endpoint,
            hint=f"hubpub rollback {name} {known[-1]}",
            versions=known,
        )
    planned = [_plan_repo(hub, repo) for repo in reversed(repos) if only in (None, repo.kind)]
    return RollbackPlan(hub.endpoint, hub.host, name, None, tuple(planned))


def _plan_repo(hub: Hub, repo: RepoOnHub) -> RepoRollback:
    hidden, note = False, ""
    if repo.state.private:
        note = "is private"
    elif repo.label is None:
        note = "stays public: nothing of this release is on its main"
    elif _held_something_before(hub, repo):
        note = "stays public: it held files before this release"
    else:
        hidden = True
    return RepoRollback(repo.kind, repo.ref, repo.label, repo.head, becomes_private=hidden, note=note)


def _held_something_before(hub: Hub, repo: RepoOnHub) -> bool:
    """Whether `main` had more than the Hub's own files before our first commit."""
    first = trailer.labels(repo.history, repo.name)[-1][1]
    before = repo.history[repo.history.index(first) + 1 :]
    return bool(before) and any(file.path not in HUBS_OWN for file in hub.tree(repo.ref, before[0].id))
