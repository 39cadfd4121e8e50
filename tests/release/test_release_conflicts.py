"""Someone else's work on the Hub: never overwritten, never taken away, and never a reason to fail without need."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from release_family import CARD, Family, look, push, read

from publisher.errors import HubpubError
from publisher.hub.port import Delete
from publisher.hub.remote import RemoteHub

THEIRS = CARD.format("edited on the website").encode()
OURS = CARD.format("better words").encode()


def test_a_push_between_plan_and_promotion_is_a_conflict_and_stays(
    hub: RemoteHub, make_family: Callable[..., Family]
) -> None:
    """Shown, re-planned, never overwritten; and no other repo of the release is promoted either."""
    family = make_family(("dataset", "adapter"))
    family.release(hub)
    for kind in family.kinds:
        family.write(kind, "README.md", OURS)
    plan = family.plan(hub)
    staged = family.stage(hub, plan)
    proven = family.verify(hub, plan, staged)
    theirs = push(hub, family.ref("adapter"), ("README.md", THEIRS))
    with pytest.raises(HubpubError) as caught:
        family.promote(hub, plan, staged, proven)

    assert ("HP-H05", theirs) == (caught.value.code, caught.value.data["found"])
    assert "Edited on the website" in caught.value.what
    assert THEIRS == read(hub, family.ref("adapter"), "README.md")
    assert "demo 1.0.0: dataset" == look(hub, family.ref("dataset")).commits[0]


def test_a_push_to_a_repo_that_this_release_created_is_a_conflict_too(
    hub: RemoteHub, adapter: Family
) -> None:
    """It was not there when this was planned, and somebody wrote to it since."""
    plan = adapter.plan(hub)
    staged = adapter.stage(hub, plan)
    proven = adapter.verify(hub, plan, staged)
    push(hub, adapter.ref("adapter"), ("README.md", THEIRS))
    with pytest.raises(HubpubError) as caught:
        adapter.promote(hub, plan, staged, proven)

    assert ("HP-H05", THEIRS) == (caught.value.code, read(hub, adapter.ref("adapter"), "README.md"))


def test_a_push_between_plan_and_staging_costs_no_upload(hub: RemoteHub, adapter: Family) -> None:
    """24 GB would be sent for nothing."""
    adapter.release(hub)
    adapter.write("adapter", "README.md", OURS)
    plan = adapter.plan(hub)
    push(hub, adapter.ref("adapter"), ("theirs.txt", b"theirs"))
    arrived: list[int] = []
    with pytest.raises(HubpubError) as caught:
        adapter.stage(hub, plan, arrived.append)

    assert ("HP-H05", []) == (caught.value.code, arrived)


def test_after_a_foreign_push_the_next_run_goes_on_and_keeps_it(hub: RemoteHub, adapter: Family) -> None:
    """What was staged before the push lacks their file, so it is staged anew: cheap, the bytes are there."""
    plan = adapter.plan(hub)
    staged = adapter.stage(hub, plan)
    proven = adapter.verify(hub, plan, staged)
    push(hub, adapter.ref("adapter"), ("theirs.txt", b"theirs"))
    with pytest.raises(HubpubError):
        adapter.promote(hub, plan, staged, proven)
    adapter.release(hub)
    seen = look(hub, adapter.ref("adapter"))

    assert b"theirs" == read(hub, adapter.ref("adapter"), "theirs.txt")
    assert ("demo 1.0.0: adapter", "Edited on the website") == seen.commits[:2]
    assert (["v1.0.0"], ("main",)) == (list(seen.tags), seen.branches)


def test_a_card_edited_on_the_website_is_kept_while_ours_is_as_it_was(
    hub: RemoteHub, adapter: Family
) -> None:
    """A README-only edit on the website never fails a release, and a new version does not undo it."""
    adapter.release(hub)
    push(hub, adapter.ref("adapter"), ("README.md", THEIRS))
    plan = adapter.plan(hub)
    adapter.write("adapter", "adapter_config.json", b'{"r": 8}')
    adapter.release(hub, asked="1.1.0")

    assert not plan.changes_anything
    assert ["kept as edited on the Hub"] == [step.note for step in plan.repos[0].operations if step.note]
    assert THEIRS == read(hub, adapter.ref("adapter"), "README.md", "v1.1.0")
    assert b'{"r": 8}' == read(hub, adapter.ref("adapter"), "adapter_config.json", "v1.1.0")


def test_a_card_file_edited_on_both_sides_is_a_conflict(hub: RemoteHub, adapter: Family) -> None:
    """Which one is right, only the author knows. Only a README is merged before it comes to that."""
    adapter.write("adapter", "LICENSE", b"MIT")
    adapter.release(hub)
    push(hub, adapter.ref("adapter"), ("LICENSE", b"MIT, theirs"))
    adapter.write("adapter", "LICENSE", b"MIT, ours")
    with pytest.raises(HubpubError) as caught:
        adapter.plan(hub)

    assert ("HP-H05", "LICENSE") == (caught.value.code, caught.value.data["path"])


def test_the_same_edit_on_both_sides_is_no_conflict(hub: RemoteHub, adapter: Family) -> None:
    """What was pulled back into the prose renders to what is there."""
    adapter.release(hub)
    push(hub, adapter.ref("adapter"), ("README.md", THEIRS))
    adapter.write("adapter", "README.md", THEIRS)

    assert not adapter.plan(hub).changes_anything


@pytest.mark.parametrize("without_folder", [False, True])
def test_an_edit_is_told_by_the_lock_alone(hub: RemoteHub, adapter: Family, without_folder: bool) -> None:
    """`plan` needs no artifacts on this machine: the small file is read on both sides."""
    adapter.release(hub)
    push(hub, adapter.ref("adapter"), ("README.md", CARD.format("adapteR").encode()))  # as long as ours
    adapter.without_folder = without_folder

    assert not adapter.plan(hub).changes_anything


@pytest.mark.parametrize(
    ("path", "content"), [("adapter_model.safetensors", b"B" * 2000), ("adapter_config.json", None)]
)
def test_weights_or_configuration_changed_on_the_hub_are_a_conflict_even_if_ours_are_as_they_were(
    hub: RemoteHub, adapter: Family, path: str, content: bytes | None
) -> None:
    """The next tag would name weights that nobody here has seen, under a proof of others."""
    adapter.release(hub)
    state = hub.state(adapter.ref("adapter"))
    assert state is not None
    assert state.head is not None
    if content is None:
        hub.commit(adapter.ref("adapter"), "main", [Delete(path)], title="Gone", body="", parent=state.head)
    else:
        push(hub, adapter.ref("adapter"), (path, content))
    with pytest.raises(HubpubError) as caught:
        adapter.plan(hub)

    assert ("HP-H05", path) == (caught.value.code, caught.value.data["path"])


def test_foreign_files_survive_release_after_release(hub: RemoteHub, adapter: Family) -> None:
    """Once they lie in a commit of ours, they still are not ours to take away."""
    ref = adapter.ref("adapter")
    theirs = {"notes.txt": b"theirs", "assets/plot.svg": b"<svg/>", "weights.gguf": b"GGUF"}
    adapter.release(hub)
    push(hub, ref, *theirs.items())
    for number in (1, 2, 3):
        adapter.write("adapter", "adapter_config.json", b'{"r": %d}' % number)
        adapter.release(hub, asked=f"1.{number}.0")
    adapter.write("adapter", "README.md", OURS)
    plan, _ = adapter.release(hub, asked="1.3.0")

    assert theirs == {path: read(hub, ref, path) for path in theirs}
    assert "1.3.0+card.1" == plan.label
    assert not adapter.plan(hub, asked="1.3.0").changes_anything


def test_a_repo_that_others_had_before_keeps_what_they_had(hub: RemoteHub, adapter: Family) -> None:
    """Adopting a repo replaces files of our names and touches no other."""
    ref = adapter.ref("adapter")
    hub.create(ref, private=True)
    push(hub, ref, ("README.md", THEIRS), ("pytorch_model.txt", b"old"))
    adapter.release(hub)
    second = adapter.plan(hub)

    assert b"old" == read(hub, ref, "pytorch_model.txt")
    assert (adapter.root / "adapter" / "README.md").read_bytes() == read(hub, ref, "README.md")
    assert not second.changes_anything


def test_a_released_weight_goes_only_by_name(hub: RemoteHub, adapter: Family) -> None:
    """A folder that was cleaned by mistake must not empty a repo that people load from."""
    ref = adapter.ref("adapter")
    adapter.write("adapter", "extra.safetensors", b"E" * 100)
    adapter.release(hub)
    adapter.write("adapter", "extra.safetensors", None)
    with pytest.raises(HubpubError) as caught:
        adapter.plan(hub, asked="1.1.0")
    plan, _ = adapter.release(hub, asked="1.1.0", allow_delete=["extra.safetensors"])

    assert ("HP-R03", ["extra.safetensors"]) == (caught.value.code, caught.value.data["paths"])
    assert "--allow-delete extra.safetensors" in caught.value.hint
    assert ["extra.safetensors"] == [step.path for step in plan.repos[0].changes if step.op == "delete"]
    assert "extra.safetensors" not in look(hub, ref).files
    assert "extra.safetensors" in look(hub, ref).tags["v1.0.0"]


def test_an_old_piece_of_the_card_goes_without_asking(hub: RemoteHub, adapter: Family) -> None:
    """Evidence of a stage that is gone would be evidence of nothing."""
    adapter.write("adapter", "evidence/train.json", b"{}")
    adapter.release(hub)
    adapter.write("adapter", "evidence/train.json", None)
    plan, _ = adapter.release(hub)

    assert "1.0.0+card.1" == plan.label
    assert "evidence/train.json" not in look(hub, adapter.ref("adapter")).files
