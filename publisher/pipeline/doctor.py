"""What this machine can do, who the Hub says we are, and what one release would need of both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from publisher.errors import Exit, HubpubError
from publisher.hub.port import Account, Hub
from publisher.manifest.schema import Manifest
from publisher.pipeline.effort import Effort, effort_of
from publisher.pipeline.machine import Machine
from publisher.pipeline.opened import Release
from publisher.pipeline.rights import Asker, Right
from publisher.pipeline.services import LastVersion, Source, Wishes
from publisher.pipeline.steps.preflight import preflight
from publisher.records.artifacts import RepoRef


@dataclass(frozen=True)
class Needs:
    """What one release needs, and whether it is there.

    `peak_bytes` of disk; None where it cannot be told. `rights` has those of each repo, by its id. `effort`: memory and
    time; None where nobody tells the base's sizes.
    """

    problems: tuple[HubpubError, ...]
    peak_bytes: int | None
    base: Right
    rights: Mapping[str, tuple[Right, ...]]
    effort: Effort | None

    @property
    def exit_code(self) -> Exit:
        """3 where a right is missing, 4 where this machine cannot, else what the first problem ends in."""
        exits = [problem.exit_code for problem in self.problems]
        every = [self.base, *(right for rights in self.rights.values() for right in rights)]
        if Exit.HUB in exits or any(right.answer == "missing" for right in every):
            return Exit.HUB
        if Exit.MACHINE in exits:
            return Exit.MACHINE
        return exits[0] if exits else Exit.DONE


def ask_account(hub: Hub) -> Account | HubpubError:
    """Who the Hub says we are, or why it does not say."""
    try:
        return hub.account()
    except HubpubError as refusal:
        return refusal


def needs_of(
    release: Release, machine: Machine, hub: Hub, source: Hub, account: Account | HubpubError
) -> Needs:
    """Hold a release against this machine and the Hub. Changes nothing."""
    problems, peak = _preflight(release, hub, source)
    effort = effort_of(release, source, machine)
    problems += [effort.problem] if effort is not None and effort.problem is not None else []
    asker = Asker(hub, account) if isinstance(account, Account) else Asker(hub, None, account)
    identity, collection = release.identity, release.manifest.collection
    owner = list(identity.refs.values())[-1].repo_id.split("/")[0]  # as promoting does it
    rights = {
        ref.repo_id: asker.rights(ref, private=identity.private[kind], collection=collection, owner=owner)
        for kind, ref in identity.refs.items()
    }
    return Needs(tuple(problems), peak, _base(release.manifest, source, problems), rights, effort)


def _preflight(release: Release, hub: Hub, source: Hub) -> tuple[list[HubpubError], int | None]:
    last = LastVersion(release.version_before(hub.host), release.repos_before(hub.host))
    try:
        found = preflight(
            release.paths, hub, Source(source), release.manifest, release.identity, Wishes(), last
        )
    except HubpubError as first:
        return list(first.data.get("all", [first])), first.data.get("peak_bytes") or None
    return [], found.peak_bytes


def _base(manifest: Manifest, source: Hub, problems: list[HubpubError]) -> Right:
    base = manifest.base
    if base.folder or base.package:
        return Right("read base", "ok", "not needed: it lies on this machine")
    if any(problem.code == "HP-H01" for problem in problems):  # it was waited for once
        return Right("read base", "unknown", f"{source.endpoint} cannot be reached")
    refusal = source.refusal(RepoRef(str(base.model)))
    if refusal is None:
        return Right("read base", "ok", "asked")
    return Right("read base", "missing", refusal.what)
