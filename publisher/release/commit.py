"""One commit, even where its answer is lost: look before it is made again."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile

from publisher.errors import HubpubError
from publisher.hub.port import Heard, Hub, Operation
from publisher.hub.retry import retried
from publisher.records.artifacts import RepoRef
from publisher.release.trailer import trailer_of


def commit_once(
    hub: Hub,
    ref: RepoRef,
    branch: str,
    operations: Sequence[Operation],
    *,
    mark: str,
    title: str,
    parent: str,
    statement: str = "",
    on_bytes: Heard | None = None,
) -> str:
    """Make the commit that carries a trailer, or find the one that was made and whose answer never came.

    `statement` is a further line below the trailer.

    Raises:
        HubpubError: as the port says; a passing fault is tried again, with a look at the branch in between.
    """
    body = f"{mark}\n{statement}" if statement else mark

    def made() -> str:
        try:
            return hub.commit(
                ref, branch, operations, title=title, body=body, parent=parent, on_bytes=on_bytes
            )
        except HubpubError as fault:
            # A lost answer shows as a passing fault, or as a branch that has moved past its parent.
            if not fault.data.get("passing") and fault.code != "HP-H05":
                raise
            since = takewhile(lambda commit: commit.id != parent, hub.commits(ref, branch))
            found = next((commit.id for commit in since if trailer_of(commit) == mark), None)
            if found is None:
                raise
            return found

    return retried(made)
