"""Versions name weights, data and configuration; card revisions continue them; tags never move."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from release_family import CARD, Family, look, push

from publisher.errors import HubpubError
from publisher.hub.port import Commit
from publisher.hub.remote import RemoteHub
from publisher.records.artifacts import RepoRef
from publisher.records.plans import RepoPlan, Step
from publisher.records.receipts import Version
from publisher.release.label import Trace, decide_label
from publisher.release.version import decide_version, next_free

RELEASED = Version("1.0.0", released=True)


def test_a_card_revision_is_a_commit_under_the_same_version_and_the_tag_stays(
    hub: RemoteHub, make_family: Callable[..., Family]
) -> None:
    """Better words are no new weights."""
    family = make_family(("dataset", "adapter"))
    family.release(hub)
    tagged = look(hub, family.ref("adapter")).tags
    labels = []
    for words in ("better", "still better"):
        family.write("adapter", "README.md", CARD.format(words).encode())
        labels.append(family.release(hub)[0].label)
    adapter, dataset = look(hub, family.ref("adapter")), look(hub, family.ref("dataset"))

    assert ["1.0.0+card.1", "1.0.0+card.2"] == labels
    assert ("demo 1.0.0+card.2: adapter", "demo 1.0.0+card.1: adapter", "demo 1.0.0: adapter") == (
        adapter.commits[:3]
    )
    assert (tagged, ("main",)) == (adapter.tags, adapter.branches)
    assert 2 == len(dataset.commits)
    assert "1.0.0+card.2" == family.plan(hub).label


def test_a_revision_is_numbered_over_all_repos(hub: RemoteHub, make_family: Callable[..., Family]) -> None:
    """A receipt is of the release, so two revisions of different repos must not share a number."""
    family = make_family(("dataset", "adapter"))
    family.release(hub)
    labels = []
    for kind in family.kinds:
        family.write(kind, "README.md", CARD.format("better").encode())
        labels.append(family.release(hub)[0].label)

    assert ["1.0.0+card.1", "1.0.0+card.2"] == labels


def test_other_weights_under_a_released_version_are_refused_with_the_next_one(
    hub: RemoteHub, adapter: Family
) -> None:
    """Whoever pinned 1.0.0 must go on getting 1.0.0."""
    adapter.release(hub)
    adapter.write("adapter", "adapter_model.safetensors", b"B" * 2000)
    with pytest.raises(HubpubError) as caught:
        adapter.plan(hub)
    plan, _ = adapter.release(hub, asked=caught.value.data["proposal"])
    seen = look(hub, adapter.ref("adapter"))

    assert ("HP-M07", 2, "1.1.0", "hubpub release demo 1.1.0") == (
        caught.value.code,
        caught.value.exit_code,
        caught.value.data["proposal"],
        caught.value.hint,
    )
    assert ("1.1.0", ["v1.0.0", "v1.1.0"]) == (plan.label, sorted(seen.tags))
    assert seen.files == seen.tags["v1.1.0"]


@pytest.mark.parametrize("change", ["more", "fewer"])
def test_a_file_more_or_less_is_another_version_too(hub: RemoteHub, adapter: Family, change: str) -> None:
    """A tokenizer that was added changes what the model says."""
    adapter.write("adapter", "tokenizer.json", b"{}")
    adapter.release(hub)
    adapter.write("adapter", *(("vocab.txt", b"a") if change == "more" else ("tokenizer.json", None)))  # type: ignore[arg-type]
    with pytest.raises(HubpubError) as caught:
        adapter.version(hub)

    assert "HP-M07" == caught.value.code


def test_what_others_put_beside_ours_is_no_other_version(hub: RemoteHub, adapter: Family) -> None:
    """Their file is in the tag's tree, since it was on main before; the weights are ours all the same."""
    hub.create(adapter.ref("adapter"), private=True)
    push(hub, adapter.ref("adapter"), ("theirs.gguf", b"GGUF"))
    adapter.release(hub)

    assert Version("1.0.0", released=True) == adapter.version(hub)


@pytest.mark.parametrize("without_folder", [False, True])
def test_a_version_is_known_from_the_lock_without_the_files(
    hub: RemoteHub, adapter: Family, without_folder: bool
) -> None:
    """`plan` and `status` work on a fresh checkout."""
    adapter.release(hub)
    adapter.without_folder = without_folder

    assert adapter.version(hub).released


def test_the_version_asked_for_comes_before_the_last_one_and_that_before_the_first(
    hub: RemoteHub, adapter: Family
) -> None:
    """The order of precedence."""

    def decided(asked: str | None, last: str | None) -> str:
        return decide_version(hub, adapter.packages(), asked=asked, last=last, name="demo").number

    assert ["2.0.0", "1.3.0", "1.0.0"] == [
        decided("2.0.0", "1.3.0"),
        decided(None, "1.3.0"),
        decided(None, None),
    ]


@pytest.mark.parametrize(
    ("number", "tags", "free"),
    [
        ("1.0.0", {"v1.0.0"}, "1.1.0"),
        ("1.0.0", {"v1.0.0", "v1.1.0", "v1.2.0", "v2.0.0"}, "1.3.0"),
        ("1.2.7", {"v1.2.7", "v1.0.0"}, "1.3.0"),
        ("0.9.0-rc.1", {"v0.9.0-rc.1"}, "0.10.0"),
    ],
)
def test_the_next_free_version_is_a_minor_one_that_no_tag_has(number: str, tags: set[str], free: str) -> None:
    """Other weights of the same family: no break, and more than a mend."""
    assert free == next_free(number, tags)


def repo(*, changes: bool) -> RepoPlan:
    steps = (Step("upload", "README.md", 1, "0" * 64),) if changes else ()
    return RepoPlan(RepoRef("a/b"), "adapter", True, "c" * 40, steps)


def left(*labels: str, branches: tuple[str, ...] = ()) -> Trace:
    trailers = [f"hubpub: demo {label} {'0' * 16}" for label in labels]
    return Trace(tuple(Commit("c", "t", trailer) for trailer in trailers), branches)


@pytest.mark.parametrize(
    ("changing", "traces", "label"),
    [
        ((False,), (left("1.0.0"),), "1.0.0"),
        ((True,), (left("1.0.0"),), "1.0.0+card.1"),
        # nothing left to do: the revision that stands
        ((False,), (left("1.0.0+card.2", "1.0.0+card.1", "1.0.0"),), "1.0.0+card.2"),
        # staged, and nothing promoted yet
        ((True,), (left("1.0.0", branches=("hubpub/v1.0.0+card.1",)),), "1.0.0+card.1"),
        # promoted in one repo, staged in the other
        (
            (False, True),
            (
                left("1.0.0+card.1", "1.0.0", branches=("hubpub/v1.0.0+card.1",)),
                left("1.0.0", branches=("hubpub/v1.0.0+card.1",)),
            ),
            "1.0.0+card.1",
        ),
        # promoted everywhere, a branch left over, and newer words
        (
            (True,),
            (left("1.0.0+card.1", "1.0.0", branches=("hubpub/v1.0.0+card.1",)),),
            "1.0.0+card.2",
        ),
        # another repo's revision counts as well
        ((True, False), (left("1.0.0"), left("1.0.0+card.1", "1.0.0")), "1.0.0+card.2"),
        # other versions and other branches do not
        (
            (True,),
            (left("1.0.0", "0.9.0+card.7", branches=("main", "hubpub/v0.9.0+card.9")),),
            "1.0.0+card.1",
        ),
    ],
)
def test_a_revision_goes_on_under_its_number_until_every_repo_has_it(
    changing: tuple[bool, ...], traces: tuple[Trace, ...], label: str
) -> None:
    """A death in between must not leave one release under two names, or two under one."""
    assert label == decide_label("demo", RELEASED, [repo(changes=c) for c in changing], traces)


def test_what_is_not_released_yet_has_no_revisions() -> None:
    """Its card is part of the version."""
    assert "1.0.0" == decide_label("demo", Version("1.0.0"), [repo(changes=True)], [left("1.0.0+card.1")])
