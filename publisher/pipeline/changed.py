"""Whether a release differs from what was released on a Hub: told from lock, prose and the Hub, without making anything."""

from __future__ import annotations

import hashlib

from publisher.errors import HubpubError
from publisher.hub.port import Hub
from publisher.pipeline.locked_cards import rendered_from_lock
from publisher.pipeline.look import plan_locked, stage_states
from publisher.pipeline.opened import Release
from publisher.pipeline.services import Wishes
from publisher.pipeline.stages import STAGES
from publisher.records.runs import Made, Measured

# Stages whose results the lock has: what would run again among these makes other contents or other numbers.
MAKING = frozenset(
    stage.name for stage in STAGES if issubclass(stage.makes, Made | Measured) and stage.remembered
)


def why_changed(release: Release, hub: Hub, wishes: Wishes) -> str | None:
    """Why a release would do something, in one line; None where it would not."""
    lock = release.lock
    if lock is None or hub.host not in lock.released:
        return "never released here"
    for stage in stage_states(release, hub, wishes.proof):
        if stage.runs and not stage.the_same and stage.name in MAKING:
            return f"{stage.name}: {stage.reason}"
    for kind, card in rendered_from_lock(release).items():
        known = next((file.sha256 for file in lock.artifacts[kind].card if file.path == "README.md"), None)
        if hashlib.sha256(card.text.encode()).hexdigest() != known:
            return f"the {kind} card changed"
    try:
        plan = plan_locked(release, hub, None)
    except HubpubError as refusal:  # the release itself says it better
        return refusal.what
    return "the Hub differs from what was released" if plan.changes_anything else None


def is_unchanged_without_files(release: Release, hub: Hub, wishes: Wishes) -> bool:
    """Whether a release that keeps no files has nothing to do: then none need be fetched to find that out."""
    asked = wishes.version not in (None, release.version_before(hub.host))
    return release.manifest.keep == "none" and not asked and why_changed(release, hub, wishes) is None
