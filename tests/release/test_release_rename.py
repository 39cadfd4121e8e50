"""An artifact whose id changed in the manifest: one rename, confirmed as a line of its own, and nothing sent again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from release_family import CARD, FailingHub, Family, Killed, look, lost_answer, push

from publisher.cli.plan_text import plan_document, plan_text
from publisher.errors import HubpubError
from publisher.hub.remote import RemoteHub
from publisher.records.artifacts import Kind

KINDS: tuple[Kind, ...] = ("dataset", "adapter")
RENAME_WRITES = 2 * 3  # the rename; the proof, and its going, of each repo
BETTER = CARD.format("better words").encode()


def renamed(family: Family) -> Family:
    """The same files, and other ids in the manifest; the lock still has the former ones."""
    former = {kind: family.ref(kind) for kind in family.kinds}
    return replace(family, named="other", former=former)


def test_a_changed_id_is_a_rename_and_no_second_repo(hub: RemoteHub, adapter: Family) -> None:
    """History, tags and whatever links to the repo stay; 24 GB are not sent a second time."""
    adapter.release(hub)
    before = look(hub, adapter.ref("adapter"))
    other = renamed(adapter)
    plan, promoted = other.release(hub)
    after = look(hub, other.ref("adapter"))
    led = hub.state(adapter.ref("adapter"))

    assert ["rename"] == [step.op for step in plan.repos[0].changes]
    assert adapter.ref("adapter").repo_id == plan.repos[0].changes[0].path
    assert 0 == plan.bytes_to_upload
    assert before == after
    assert led is not None
    assert other.ref("adapter") == led.ref, "the old id leads to the new one"
    assert [other.ref("adapter").repo_id] == list(promoted.commits)
    assert not other.plan(hub).changes_anything


def test_a_rename_is_told_in_a_line_of_its_own(hub: RemoteHub, adapter: Family) -> None:
    """It is what gets confirmed, so it is never implied."""
    adapter.release(hub)
    plan = renamed(adapter).plan(hub)
    old = adapter.ref("adapter").repo_id
    operations = plan_document(plan)["repos"][0]["operations"]

    assert f"    > rename, from {old}, which leads here from then on" in plan_text(plan).splitlines()
    assert ("rename", old) == (operations[0]["op"], operations[0]["path"])
    assert not any(step["op"] in ("create", "upload") for step in operations)


def test_files_that_change_with_the_id_go_to_the_renamed_repo(hub: RemoteHub, adapter: Family) -> None:
    """A card names its repo, so a rename comes with a card revision: same version, same tag, new number."""
    adapter.release(hub)
    other = renamed(adapter)
    other.write("adapter", "README.md", BETTER)
    plan, _ = other.release(hub)
    seen = look(hub, other.ref("adapter"))

    assert "1.0.0+card.1" == plan.label
    assert ["rename", "upload"] == [step.op for step in plan.repos[0].changes]
    assert ("demo 1.0.0+card.1: adapter", "demo 1.0.0: adapter") == seen.commits[:2]


def test_other_contents_under_a_released_version_are_found_out_in_a_renamed_repo_too(
    hub: RemoteHub, adapter: Family
) -> None:
    """The tag is in the repo's former name; a rename must not make a tag move."""
    adapter.release(hub)
    other = renamed(adapter)
    other.write("adapter", "adapter_config.json", b'{"r": 8}')
    with pytest.raises(HubpubError) as caught:
        other.plan(hub, asked="1.0.0")

    assert ("HP-M07", "1.1.0") == (caught.value.code, caught.value.data["proposal"])


def test_two_repos_are_not_made_one(hub: RemoteHub, adapter: Family) -> None:
    """Which of them is meant, only their owner knows; nothing is touched."""
    adapter.release(hub)
    other = renamed(adapter)
    hub.create(other.ref("adapter"), private=True)
    before = [look(hub, family.ref("adapter")) for family in (adapter, other)]
    with pytest.raises(HubpubError) as caught:
        other.release(hub)

    assert ("HP-H05", adapter.ref("adapter").repo_id) == (caught.value.code, caught.value.data["former"])
    assert f"repo: {adapter.ref('adapter').repo_id}" in caught.value.hint
    assert before == [look(hub, family.ref("adapter")) for family in (adapter, other)]


def test_a_released_repo_that_is_gone_is_made_anew_under_its_new_id(
    hub: RemoteHub, adapter: Family, delete_repo: Callable[..., None]
) -> None:
    """There is nothing to rename any more."""
    adapter.release(hub)
    delete_repo(adapter.ref("adapter"))
    plan, _ = renamed(adapter).release(hub)

    assert "create" == plan.repos[0].changes[0].op


def test_the_writes_of_a_rename_are_as_many_as_the_deaths_below(
    hub: RemoteHub, make_family: Callable[..., Family]
) -> None:
    """Otherwise a new step would go untested. Both are renamed before anything else happens."""
    family, watched = make_family(KINDS), FailingHub(hub, at=0, fault=Killed())
    family.release(hub)
    renamed(family).release(watched)

    assert (RENAME_WRITES, ["move", "move"]) == (len(watched.done), watched.done[:2])


@pytest.mark.parametrize("at", range(1, RENAME_WRITES + 1))
@pytest.mark.parametrize("after", [False, True])
def test_after_a_death_at_any_write_the_next_run_ends_the_same(
    hub: RemoteHub, make_family: Callable[..., Family], at: int, after: bool
) -> None:
    """Half of the repos renamed, the lock as it was: the others follow, and none is renamed twice."""
    family = make_family(KINDS)
    family.release(hub)
    before = [look(hub, family.ref(kind)) for kind in KINDS]
    other = renamed(family)
    with pytest.raises(Killed):
        other.release(FailingHub(hub, at=at, fault=Killed(), after=after))
    other.release(hub)

    assert before == [look(hub, other.ref(kind)) for kind in KINDS]
    assert not other.plan(hub).changes_anything


def test_a_rename_whose_answer_was_lost_is_found_by_looking(hub: RemoteHub, adapter: Family) -> None:
    """Asking again would be answered with: there is no such repo."""
    adapter.release(hub)
    other = renamed(adapter)
    failing = FailingHub(hub, at=1, fault=lost_answer(), only=frozenset({"move"}))
    other.release(failing)

    assert ["move"] == failing.done
    assert other.ref("adapter") == hub.state(other.ref("adapter")).ref  # type: ignore[union-attr]


def test_a_push_before_the_rename_stops_it(hub: RemoteHub, adapter: Family) -> None:
    """What was confirmed was a rename of what was seen."""
    adapter.release(hub)
    other = renamed(adapter)
    plan = other.plan(hub)
    push(hub, adapter.ref("adapter"), ("theirs.txt", b"theirs"))
    with pytest.raises(HubpubError) as caught:
        other.stage(hub, plan)

    assert "HP-H05" == caught.value.code
    assert adapter.ref("adapter") == hub.state(adapter.ref("adapter")).ref  # type: ignore[union-attr]


def test_a_push_after_the_rename_is_a_conflict_under_the_new_id(hub: RemoteHub, adapter: Family) -> None:
    """The look before promotion follows the rename."""
    adapter.release(hub)
    other = renamed(adapter)
    other.write("adapter", "README.md", BETTER)
    plan = other.plan(hub)
    staged = other.stage(hub, plan)
    proven = other.verify(hub, plan, staged)
    theirs = push(hub, other.ref("adapter"), ("theirs.txt", b"theirs"))
    with pytest.raises(HubpubError) as caught:
        other.promote(hub, plan, staged, proven)

    assert ("HP-H05", theirs) == (caught.value.code, caught.value.data["found"])
