"""Reserving: the repos of a release are made, private and empty, so that trusted publishers can be configured there."""

from __future__ import annotations

from collections.abc import Mapping

from publisher.errors import HubpubError
from publisher.hub.port import Hub
from publisher.records.artifacts import Kind, RepoRef
from publisher.records.plans import Plan, RepoPlan, Seen, Step
from publisher.release.journal import Journal

LABEL = "--reserve"


def plan_reservation(hub: Hub, name: str, refs: Mapping[Kind, RepoRef]) -> Plan:
    """Say which repos would be made. Reads only.

    Raises:
        HubpubError: HP-H03 where this is a keyless run, which makes none.
    """
    if hub.is_keyless:
        raise HubpubError(
            "HP-H03",
            "a keyless run makes no repos: reserving is what comes before it",
            where=hub.endpoint,
            hint=f"by hand, with a token: HF_TOKEN=… hubpub release {name} --reserve",
        )
    return Plan(hub.endpoint, hub.host, name, "", LABEL, tuple(_repo(hub, *each) for each in refs.items()))


def reserve(hub: Hub, plan: Plan, journal: Journal) -> tuple[RepoRef, ...]:
    """Make what the plan says is not there; one that has come up since stays as it is. Returns those repos."""
    missing = tuple(repo.ref for repo in plan.repos if not repo.exists)
    for ref in missing:
        with journal.step("create", repo=ref.repo_id):
            hub.create(ref, private=True)
    return missing


def _repo(hub: Hub, kind: Kind, ref: RepoRef) -> RepoPlan:
    state = hub.state(ref)
    if state is None:
        return RepoPlan(ref, kind, False, None, (Step("create", note="private"),))
    return RepoPlan(ref, kind, True, state.head, (), Seen(ref.repo_id, state.private, state.gated))
