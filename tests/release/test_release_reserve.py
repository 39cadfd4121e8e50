"""`release --reserve`: the repos, private and empty, and nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest
from release_family import FailingHub, Family, Killed

from publisher.errors import HubpubError
from publisher.hub.oidc import CiJob
from publisher.hub.remote import RemoteHub
from publisher.records.plans import Plan
from publisher.release.reserve import plan_reservation, reserve


def _plan(hub: RemoteHub, family: Family) -> Plan:
    return plan_reservation(hub, "demo", {kind: family.ref(kind) for kind in family.kinds})


def test_what_is_not_there_is_made_private_and_empty(hub: RemoteHub, family: Family) -> None:
    """Also what the manifest wants public: nobody should see an empty repo."""
    hub.create(family.ref("adapter"), private=False)
    plan = _plan(hub, family)
    made = reserve(hub, plan, family.journal)

    assert [family.ref("dataset"), family.ref("merged")] == list(made)
    for kind, private in (("dataset", True), ("merged", True), ("adapter", False)):
        state = hub.state(family.ref(kind))
        assert private == state.private, "what was there stays as it was"
        assert [".gitattributes"] == [file.path for file in hub.tree(family.ref(kind), "main")]
        assert ({}, {"main"}) == (state.tags, state.branches.keys())


def test_planning_makes_nothing(hub: RemoteHub, family: Family) -> None:
    """It is what gets confirmed."""
    plan = _plan(hub, family)

    assert ["create"] * 3 == [step.op for repo in plan.repos for step in repo.changes]
    assert [None] * 3 == [hub.state(family.ref(kind)) for kind in family.kinds]


def test_a_second_time_there_is_nothing_to_do(hub: RemoteHub, family: Family) -> None:
    """Whoever adds an artifact later runs it again."""
    reserve(hub, _plan(hub, family), family.journal)
    again = _plan(hub, family)

    assert not again.changes_anything
    assert () == reserve(hub, again, family.journal)


@pytest.mark.parametrize("after", [True, False])
def test_a_death_in_between_is_made_good_by_running_it_again(
    hub: RemoteHub, family: Family, after: bool
) -> None:
    """The journal says what was begun; what is there is seen on the Hub."""
    dying = FailingHub(hub, 2, Killed(), after=after)
    with pytest.raises(Killed):
        reserve(dying, _plan(hub, family), family.journal)
    reserve(hub, _plan(hub, family), family.journal)

    assert all(hub.state(family.ref(kind)).private for kind in family.kinds)
    begun = [line["repo"] for line in family.journal.lines() if line["event"] == "begin"]
    assert [family.ref(kind).repo_id for kind in ("dataset", "adapter")] == begun[:2]


def test_a_release_goes_on_from_what_was_reserved(hub: RemoteHub, family: Family) -> None:
    """A reserved repo is one like any other."""
    reserve(hub, _plan(hub, family), family.journal)
    plan, _ = family.release(hub)

    assert [True] * 3 == [repo.exists for repo in plan.repos]
    assert [True, True, False] == [hub.state(family.ref(kind)).private for kind in family.kinds]


def test_a_keyless_run_cannot_reserve(hub: RemoteHub, family: Family) -> None:
    """It says that this comes before."""
    with pytest.raises(HubpubError) as caught:
        _plan(replace(hub, token=None, job=CiJob(hub.endpoint)), family)

    assert ("HP-H03", 3) == (caught.value.code, caught.value.exit_code)
