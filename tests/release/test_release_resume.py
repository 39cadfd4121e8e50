"""Death at every step, and lost answers: the next run ends where an undisturbed one would have."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from release_family import CARD, FailingHub, Family, Killed, look, lost_answer, push, read

from publisher.errors import HubpubError
from publisher.hub.remote import RemoteHub
from publisher.release.journal import Journal

KINDS = ("dataset", "adapter")
# create, branch, stage; proof; commit, tag, visibility of one; the collection; branch and proof go
RELEASE_WRITES = 2 * 3 + 2 + 2 * 2 + 1 + 1 + 2 * 2
REVISION_WRITES = 2 * 2 + 2 + 2 + 1 + 2 * 2


def make(make_family: Callable[..., Family]) -> Family:
    return make_family(KINDS, public=("adapter",), collection="Aerial")


def test_the_writes_of_a_release_are_as_many_as_the_deaths_below(
    hub: RemoteHub, make_family: Callable[..., Family]
) -> None:
    """Otherwise a new step would go untested."""
    family, watched = make(make_family), FailingHub(hub, at=0, fault=Killed())
    family.release(watched)  # type: ignore[arg-type]
    first = len(watched.done)
    for kind in KINDS:
        family.write(kind, "README.md", CARD.format("better").encode())
    family.release(watched)  # type: ignore[arg-type]

    assert (RELEASE_WRITES, REVISION_WRITES) == (first, len(watched.done) - first)


@pytest.fixture(scope="module")
def undisturbed(hub: RemoteHub, tmp_path_factory: pytest.TempPathFactory) -> list[object]:
    """What a release looks like when nothing happens to it."""
    family = Family(tmp_path_factory.mktemp("calm"), "calm", KINDS, ("adapter",), "Aerial")
    family.release(hub)
    return [look(hub, family.ref(kind)) for kind in KINDS]


@pytest.mark.parametrize("at", range(1, RELEASE_WRITES + 1))
def test_after_a_death_at_any_step_the_next_run_completes_the_release(
    hub: RemoteHub, make_family: Callable[..., Family], undisturbed: list[object], at: int
) -> None:
    """Same trees, one promoted commit a repo, one tag, no branch left, the visibility asked for."""
    family = make(make_family)
    with pytest.raises(Killed):
        family.release(FailingHub(hub, at=at, fault=Killed()))  # type: ignore[arg-type]
    _, promoted = family.release(hub)

    assert undisturbed == [look(hub, family.ref(kind)) for kind in KINDS]
    assert {family.ref(kind).repo_id: hub.state(family.ref(kind)).head for kind in KINDS} == promoted.commits  # type: ignore[union-attr]
    assert sorted(KINDS) == sorted(set(family.proofs))
    assert [promoted.commits[family.ref(kind).repo_id] for kind in KINDS] == [
        repo["commit"] for repo in family.receipt()["repos"]
    ]
    assert ["run", "run"] == [repo["proof"] for repo in family.receipt()["repos"]]
    assert not family.plan(hub).changes_anything


@pytest.mark.parametrize("at", range(1, REVISION_WRITES + 1))
def test_after_a_death_in_a_card_revision_it_goes_on_under_its_own_number(
    hub: RemoteHub, make_family: Callable[..., Family], at: int
) -> None:
    """One revision, one number, one commit a repo; the tag has not moved."""
    family = make(make_family)
    family.release(hub)
    tags = [look(hub, family.ref(kind)).tags for kind in KINDS]
    for kind in KINDS:
        family.write(kind, "README.md", CARD.format("better").encode())
    with pytest.raises(Killed):
        family.release(FailingHub(hub, at=at, fault=Killed()))  # type: ignore[arg-type]
    plan, _ = family.release(hub)
    seen = [look(hub, family.ref(kind)) for kind in KINDS]

    assert "1.0.0+card.1" == plan.label
    assert [f"demo 1.0.0+card.1: {kind}" for kind in KINDS] == [repo.commits[0] for repo in seen]
    assert [3, 3] == [len(repo.commits) for repo in seen]
    assert (tags, [("main",)] * 2) == ([repo.tags for repo in seen], [repo.branches for repo in seen])


def test_a_death_before_the_first_step_leaves_nothing(hub: RemoteHub, adapter: Family) -> None:
    """The journal has the beginning of a step that the Hub never heard of."""
    with pytest.raises(Killed):
        adapter.release(FailingHub(hub, at=1, fault=Killed(), after=False))  # type: ignore[arg-type]
    events = [(line["event"], line["step"]) for line in adapter.journal.lines()]

    assert (None, [("begin", "create")]) == (hub.state(adapter.ref("adapter")), events)


def test_a_death_between_two_uploads_keeps_what_has_arrived(hub: RemoteHub, adapter: Family) -> None:
    """There is no commit yet, and the next run makes it."""

    def dies(_: int) -> None:
        raise Killed

    with pytest.raises(Killed):
        adapter.stage(hub, adapter.plan(hub), dies)
    before = look(hub, adapter.ref("adapter"))
    adapter.release(hub)

    assert (("main",) == before.branches[1:], 1) == (True, len(before.commits))
    assert 2 == len(look(hub, adapter.ref("adapter")).commits)


@pytest.mark.parametrize("which", [1, 2])
def test_a_commit_whose_answer_was_lost_is_found_by_its_trailer(
    hub: RemoteHub, adapter: Family, which: int
) -> None:
    """Made once: the first is the staging commit, the second the promotion."""
    flaky = FailingHub(hub, at=which, fault=lost_answer(), only=frozenset({"commit"}))
    _, promoted = adapter.release(flaky)  # type: ignore[arg-type]
    seen = look(hub, adapter.ref("adapter"))

    assert 2 == len(flaky.done)
    assert 2 == len(seen.commits)
    assert [hub.state(adapter.ref("adapter")).head] == list(promoted.commits.values())  # type: ignore[union-attr]


@pytest.mark.parametrize("which", [1, 2])
def test_a_commit_that_never_arrived_is_made_by_the_next_attempt(
    hub: RemoteHub, adapter: Family, which: int
) -> None:
    """Looked for, not found, sent again."""
    flaky = FailingHub(hub, at=which, fault=lost_answer(), only=frozenset({"commit"}), after=False)
    adapter.release(flaky)  # type: ignore[arg-type]

    assert 3 == len(flaky.done)
    assert 2 == len(look(hub, adapter.ref("adapter")).commits)


def test_a_refusal_is_not_tried_again(hub: RemoteHub, adapter: Family) -> None:
    """What the Hub has looked at and refused stays refused."""
    refusal = HubpubError("HP-H03", "the token lacks the right to do this", hint="ask the owner")
    strict = FailingHub(hub, at=1, fault=refusal, only=frozenset({"commit"}), after=False)
    with pytest.raises(HubpubError) as caught:
        adapter.release(strict)  # type: ignore[arg-type]

    assert ("HP-H03", 1) == (caught.value.code, len(strict.done))


def test_what_was_staged_on_an_older_main_is_staged_anew(hub: RemoteHub, adapter: Family) -> None:
    """The commit on main and the commit that was proven must hold the same."""
    staged = adapter.stage(hub, adapter.plan(hub))
    push(hub, adapter.ref("adapter"), ("theirs.txt", b"theirs"))
    again = adapter.stage(hub, adapter.plan(hub))

    assert staged != again
    assert b"theirs" == read(hub, adapter.ref("adapter"), "theirs.txt", next(iter(again.commits.values())))


def test_what_was_staged_of_other_files_is_staged_anew(hub: RemoteHub, adapter: Family) -> None:
    """The weights were made again after a death: the branch of the same name holds the old ones."""
    adapter.stage(hub, adapter.plan(hub))
    adapter.write("adapter", "adapter_model.safetensors", b"B" * 2000)
    adapter.release(hub)

    assert b"B" * 2000 == read(hub, adapter.ref("adapter"), "adapter_model.safetensors", "v1.0.0")
    assert 2 == len(look(hub, adapter.ref("adapter")).commits)


def test_a_proof_that_was_recorded_for_the_same_bytes_stands(hub: RemoteHub, adapter: Family) -> None:
    """Loading 24 GB again proves nothing new; fetching them back does, and is done."""
    with pytest.raises(Killed):
        adapter.release(FailingHub(hub, at=4, fault=Killed(), after=False))  # type: ignore[arg-type]
    adapter.release(hub)

    assert ["adapter"] == adapter.proofs


def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "hubs" / "local" / "journal.jsonl", lambda: 12.3456)


def test_a_step_is_written_before_and_after_and_a_failed_one_only_before(tmp_path: Path) -> None:
    """A step that was begun and not done is looked up on the Hub."""
    kept = journal(tmp_path)
    with kept.step("tag", repo="a/b"):
        pass
    with pytest.raises(Killed), kept.step("visibility", repo="a/b"):
        raise Killed

    assert [
        {"at": 12.346, "event": "begin", "repo": "a/b", "step": "tag"},
        {"at": 12.346, "event": "done", "repo": "a/b", "step": "tag"},
        {"at": 12.346, "event": "begin", "repo": "a/b", "step": "visibility"},
    ] == list(kept.lines())


@pytest.mark.parametrize("torn", [b'{"at":1,"event":"prov', '{"at":1,"proof":"ä'.encode()[:-1], b"\x00\x00"])
def test_a_line_torn_by_a_crash_is_left_out_and_swallows_no_other(tmp_path: Path, torn: bytes) -> None:
    """Also when it was torn inside a letter, and when more was written after it."""
    kept = journal(tmp_path)
    kept.write("proven", key="a", proof={"text": "one\u2028line"})
    with kept.file.open("ab") as stream:
        stream.write(torn)
    before = kept.proof("a")
    kept.write("proven", key="b", proof={"loads": True})

    assert ({"text": "one\u2028line"}, {"loads": True}) == (before, kept.proof("b"))
    assert {"text": "one\u2028line"} == kept.proof("a")


def test_the_newest_proof_of_a_key_counts_and_no_journal_has_none(tmp_path: Path) -> None:
    """A proof of other bytes has another key."""
    kept = journal(tmp_path)
    none = kept.proof("a")
    kept.write("proven", key="a", proof={"n": 1})
    kept.write("proven", key="a", proof={"n": 2})

    assert (None, {"n": 2}, None) == (none, kept.proof("a"), kept.proof("b"))
