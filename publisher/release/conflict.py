"""Someone else's push between plan and promotion: shown, never overwritten."""

from __future__ import annotations

from publisher.errors import HubpubError
from publisher.hub.port import Hub
from publisher.records.artifacts import RepoRef


def refuse_foreign_push(hub: Hub, ref: RepoRef, planned: str) -> None:
    """See whether `main` still is where it was.

    Raises:
        HubpubError: HP-H05 where it is not.
    """
    state = hub.state(ref)
    if state is None or state.head != planned:
        raise pushed_meanwhile(hub, ref, planned)


def pushed_meanwhile(hub: Hub, ref: RepoRef, planned: str) -> HubpubError:
    """The error that says what was pushed."""
    newest = hub.commits(ref, "main")[0]
    return HubpubError(
        "HP-H05",
        f"main of {ref.repo_id} was {planned[:8]} when this was planned and is {newest.id[:8]} now: "
        f"“{newest.title}”",
        where=f"{hub.endpoint}/{ref.repo_id}",
        hint=f"nothing was overwritten; hubpub plan shows both sides, hubpub release goes on: {ref.repo_id}",
        planned=planned,
        found=newest.id,
    )
