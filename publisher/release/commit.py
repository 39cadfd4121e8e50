"""One commit, even where its answer is lost: look before it is made again."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from publisher.errors import HubpubError
from publisher.hub.port import Hub, Operation
from publisher.hub.retry import retried
from publisher.records.artifacts import RepoRef
from publisher.records.plans import Plan
from publisher.release.trailer import of_plan, trailer


def commit_once(
    hub: Hub,
    ref: RepoRef,
    branch: str,
    operations: Sequence[Operation],
    *,
    plan: Plan,
    title: str,
    parent: str,
    on_bytes: Callable[[int], None] | None = None,
) -> str:
    """Make the plan's commit on a branch, or find the one that was made and whose answer never came.

    Raises:
        HubpubError: as the port says; a passing fault is tried again, with a look at the branch in between.
    """

    def made() -> str:
        try:
            return hub.commit(
                ref, branch, operations, title=title, body=trailer(plan), parent=parent, on_bytes=on_bytes
            )
        except HubpubError as fault:
            # A lost answer shows as a passing fault, or as a branch that has moved past its parent.
            if not fault.data.get("passing") and fault.code != "HP-H05":
                raise
            found = of_plan(hub.commits(ref, branch), plan)
            if found is None:
                raise
            return found.id

    return retried(made)
