"""One commit, even where its answer is lost: look before it is made again."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from publisher.errors import HubpubError
from publisher.hub.port import Hub, Operation
from publisher.records.artifacts import RepoRef
from publisher.records.plans import Plan
from publisher.release.trailer import of_plan, trailer

ATTEMPTS = 4


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
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return hub.commit(
                ref, branch, operations, title=title, body=trailer(plan), parent=parent, on_bytes=on_bytes
            )
        except HubpubError as fault:
            made = (
                of_plan(hub.commits(ref, branch), plan)
                if fault.data.get("passing") or fault.code == "HP-H05"
                else None
            )
            if made is not None:
                return made.id
            if not fault.data.get("passing") or attempt == ATTEMPTS:
                raise
    raise AssertionError("unreachable")
