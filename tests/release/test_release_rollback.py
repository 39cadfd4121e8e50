"""Rolling back: main becomes what it was, by one commit; nobody's history, tag or file is lost, whenever it dies."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from release_family import CARD, NAME, FailingHub, Family, Killed, look, lost_answer, push, read

from publisher.errors import HubpubError
from publisher.evidence.files import git_blob_id_of
from publisher.hub.port import Add, Commit, Delete, Hub
from publisher.hub.remote import RemoteHub
from publisher.records.artifacts import Kind
from publisher.records.rollbacks import RollbackPlan
from publisher.records.versions import precedence
from publisher.release import on_hub
from publisher.release.rollback import plan_rollback, roll_back
from publisher.release.take_back import plan_taking_back
from publisher.release.withdrawn import newer, statement, withdrawn

KINDS: tuple[Kind, ...] = ("dataset", "merged")  # in promotion order


@pytest.fixture
def family(make_family: Callable[..., Family]) -> Family:
    """A dataset and the model that points to it, which is public."""
    return make_family(KINDS, public=("merged",))


def banner(kind: Kind, versions: tuple[str, ...]) -> str:
    return f"> **Withdrawn: {', '.join(versions)}.** Back."


def planned(hub: Hub, family: Family, version: str | None, only: Kind | None = None) -> RollbackPlan:
    repos = on_hub.look(hub, NAME, {kind: family.ref(kind) for kind in family.kinds})
    if version is None:
        return plan_taking_back(hub, NAME, repos, only)
    return plan_rollback(hub, NAME, repos, version, banner, only)


def rolled_back(
    hub: Hub, family: Family, version: str | None, only: Kind | None = None
) -> tuple[RollbackPlan, dict[str, str]]:
    plan = planned(hub, family, version, only)
    return plan, roll_back(hub, plan, family.journal)


def next_version(family: Family, number: str = "1.1.0") -> None:
    """Other weights everywhere, a file more and a file less in one repo, and cards that say so."""
    family.write("dataset", "data/train-00000-of-00001.parquet", f"PAR1 {number} PAR1".encode())
    family.write("merged", "model.safetensors", number.encode() * 900)
    family.write("merged", "chat_template.jinja", b"{{ messages }}")
    if (family.root / "merged" / "generation_config.json").exists():
        family.write("merged", "generation_config.json", None)
    for kind in family.kinds:
        family.write(kind, "README.md", CARD.format(f"{kind} {number}").encode())


def two_versions(hub: Hub, family: Family) -> None:
    family.write("merged", "generation_config.json", b"{}")
    family.release(hub, asked="1.0.0")
    next_version(family)
    family.release(hub, asked="1.1.0", allow_delete=["generation_config.json"])


def without_readme(files: dict[str, str]) -> dict[str, str]:
    return {path: blob for path, blob in files.items() if path != "README.md"}


def test_every_main_is_what_it_was_by_one_commit_and_no_tag_moves(hub: RemoteHub, family: Family) -> None:
    """Byte for byte, with the file that came since gone and the one that went back; the history only grows."""
    two_versions(hub, family)
    before = {kind: look(hub, family.ref(kind)) for kind in KINDS}
    _, commits = rolled_back(hub, family, "1.0.0")

    for kind in KINDS:
        seen = look(hub, family.ref(kind))
        assert without_readme(seen.tags["v1.0.0"]) == without_readme(seen.files)
        assert (f"demo back to 1.0.0: {kind}", *before[kind].commits) == seen.commits
        assert (before[kind].tags, before[kind].private, ("main",)) == (
            seen.tags,
            seen.private,
            seen.branches,
        )
        assert hub.commits(family.ref(kind), "main")[0].id == commits[family.ref(kind).repo_id]
    assert "generation_config.json" in look(hub, family.ref("merged")).files
    assert "chat_template.jinja" not in look(hub, family.ref("merged")).files


def test_the_readme_is_the_versions_own_with_a_banner_below_its_title(hub: RemoteHub, family: Family) -> None:
    """Whoever comes to the page is told; the front matter stays as it was."""
    two_versions(hub, family)
    rolled_back(hub, family, "1.0.0")

    assert (CARD.format("merged") + "\n> **Withdrawn: 1.1.0.** Back.\n").encode() == read(
        hub, family.ref("merged"), "README.md"
    )


def test_large_files_are_copied_on_the_hub_and_only_the_readme_is_sent(
    hub: RemoteHub, family: Family
) -> None:
    """24 GB must not pass through a laptop that has long deleted them."""
    two_versions(hub, family)
    sent: list[object] = []
    watched = FailingHub(hub, at=0, fault=Killed())
    plain = hub.commit

    class Watching:
        def __getattr__(self, name: str) -> object:
            return getattr(watched, name)

        def commit(self, ref: object, branch: str, operations: list[object], **rest: object) -> str:
            sent.extend(each.path for each in operations if isinstance(each, Add))
            return plain(ref, branch, operations, **rest)  # type: ignore[arg-type]

    plan, _ = rolled_back(Watching(), family, "1.0.0")  # type: ignore[arg-type]
    merged = next(repo for repo in plan.repos if repo.kind == "merged")

    assert ["README.md"] * 2 == sent
    assert (("generation_config.json", "model.safetensors"), 5002, ("chat_template.jinja",)) == (
        merged.copied,
        merged.bytes_copied,
        merged.deleted,
    )
    assert ["merged", "dataset"] == [repo.kind for repo in plan.repos]


def test_what_others_put_there_stays_as_it_is(hub: RemoteHub, adapter: Family) -> None:
    """A user's GGUF, there before the version or since; also the edit of a file that was theirs from the start."""
    ref = adapter.ref("adapter")
    hub.create(ref, private=True)
    push(hub, ref, ("theirs.gguf", b"GGUF 1"), ("notes.txt", b"1"))
    two_adapters(hub, adapter)
    push(hub, ref, ("theirs.gguf", b"GGUF 2"), ("later.gguf", b"GGUF"))
    push(hub, ref, Delete("notes.txt"))
    plan, _ = rolled_back(hub, adapter, "1.0.0")
    seen = look(hub, ref)

    assert (b"GGUF 2", b"GGUF") == (read(hub, ref, "theirs.gguf"), read(hub, ref, "later.gguf"))
    assert "notes.txt" not in seen.files
    assert seen.files["adapter_model.safetensors"] == seen.tags["v1.0.0"]["adapter_model.safetensors"]
    assert ("later.gguf", "notes.txt", "theirs.gguf") == plan.repos[0].kept


def test_an_edit_of_a_released_file_is_undone_like_everything_since(hub: RemoteHub, adapter: Family) -> None:
    """Someone turned the rank up on the website; 1.0.0 never had that."""
    adapter.release(hub, asked="1.0.0")
    push(hub, adapter.ref("adapter"), ("adapter_config.json", b'{"r": 64}'))
    plan, _ = rolled_back(hub, adapter, "1.0.0")

    assert ("adapter_config.json",) == plan.repos[0].copied
    assert b'{"r": 4}' == read(hub, adapter.ref("adapter"), "adapter_config.json")


def test_what_main_holds_already_is_nothing_to_do(hub: RemoteHub, adapter: Family) -> None:
    """Also with a card revision on top, which is the same version; and a second time."""
    adapter.release(hub, asked="1.0.0")
    adapter.write("adapter", "README.md", CARD.format("better").encode())
    adapter.release(hub, asked="1.0.0")
    # large, and gone again: the rule that the Hub made for its name is left
    push(hub, adapter.ref("adapter"), ("theirs.dat", bytes(range(256)) * 50_000))
    push(hub, adapter.ref("adapter"), Delete("theirs.dat"))
    revised = planned(hub, adapter, "1.0.0")
    next_version_of(adapter)
    adapter.release(hub, asked="1.1.0")
    rolled_back(hub, adapter, "1.0.0")
    again = planned(hub, adapter, "1.0.0")

    assert (False, False) == (revised.changes_anything, again.changes_anything)
    assert ((), ("1.1.0",)) == (revised.withdrawn, again.withdrawn)


@pytest.fixture(scope="module")
def undisturbed(hub: RemoteHub, tmp_path_factory: pytest.TempPathFactory) -> list[object]:
    """What a rollback looks like when nothing happens to it."""
    family = Family(tmp_path_factory.mktemp("calm"), "calmly", KINDS, ("merged",))
    two_versions(hub, family)
    rolled_back(hub, family, "1.0.0")
    return [look(hub, family.ref(kind)) for kind in KINDS]


@pytest.mark.parametrize("after", [True, False])
@pytest.mark.parametrize("at", [1, 2])
def test_after_a_death_at_any_write_the_same_command_goes_on(
    hub: RemoteHub, family: Family, undisturbed: list[object], at: int, after: bool
) -> None:
    """One commit a repo, and the same banner in each, though half of them spoke of 1.1.0 already."""
    two_versions(hub, family)
    with pytest.raises(Killed):
        rolled_back(FailingHub(hub, at=at, fault=Killed(), after=after), family, "1.0.0")  # type: ignore[arg-type]
    plan, _ = rolled_back(hub, family, "1.0.0")

    assert undisturbed == [look(hub, family.ref(kind)) for kind in KINDS]
    assert ("1.1.0",) == plan.withdrawn
    assert not planned(hub, family, "1.0.0").changes_anything


def test_a_commit_whose_answer_was_lost_is_made_once(hub: RemoteHub, adapter: Family) -> None:
    """The one after it has another parent, so it is found by its trailer."""
    two_adapters(hub, adapter)
    before = len(look(hub, adapter.ref("adapter")).commits)
    flaky = FailingHub(hub, at=1, fault=lost_answer(), only=frozenset({"commit"}))
    _, commits = rolled_back(flaky, adapter, "1.0.0")  # type: ignore[arg-type]

    assert before + 1 == len(look(hub, adapter.ref("adapter")).commits)
    assert [hub.commits(adapter.ref("adapter"), "main")[0].id] == list(commits.values())


def two_adapters(hub: Hub, adapter: Family) -> None:
    adapter.release(hub, asked="1.0.0")
    next_version_of(adapter)
    adapter.release(hub, asked="1.1.0")


def next_version_of(adapter: Family, number: str = "1.1.0") -> None:
    adapter.write("adapter", "adapter_model.safetensors", number.encode() * 300)
    adapter.write("adapter", "README.md", CARD.format(number).encode())


def test_a_push_since_the_plan_is_never_overwritten(hub: RemoteHub, family: Family) -> None:
    """All repos are looked at before the first one changes."""
    two_versions(hub, family)
    plan = planned(hub, family, "1.0.0")
    push(hub, family.ref("dataset"), ("theirs.txt", b"theirs"))
    with pytest.raises(HubpubError) as caught:
        roll_back(hub, plan, family.journal)

    assert ("HP-H05", True) == (caught.value.code, "hubpub rollback demo 1.0.0" in caught.value.hint)
    assert "demo 1.1.0: merged" == look(hub, family.ref("merged")).commits[0]
    assert b"theirs" == read(hub, family.ref("dataset"), "theirs.txt")


def test_a_push_between_look_and_commit_is_refused_by_the_hub(hub: RemoteHub, adapter: Family) -> None:
    """The commit names its parent."""
    two_adapters(hub, adapter)
    ref = adapter.ref("adapter")

    class Racing:
        def __getattr__(self, name: str) -> object:
            return getattr(hub, name)

        def commit(self, *args: object, **rest: object) -> str:
            push(hub, ref, ("theirs.txt", b"theirs"))
            return hub.commit(*args, **rest)  # type: ignore[arg-type]

    with pytest.raises(HubpubError) as caught:
        rolled_back(Racing(), adapter, "1.0.0")  # type: ignore[arg-type]

    assert "HP-H05" == caught.value.code
    assert "Edited on the website" == look(hub, ref).commits[0]


def test_a_main_that_is_not_what_it_should_be_is_told(hub: RemoteHub, adapter: Family) -> None:
    """What a Hub says it did is compared with what it did."""
    two_adapters(hub, adapter)

    class Forgetful:
        def __getattr__(self, name: str) -> object:
            return getattr(hub, name)

        def commit(self, ref: object, branch: str, operations: list[object], **rest: object) -> str:
            kept = [each for each in operations if each.path == "README.md"]  # type: ignore[attr-defined]
            return hub.commit(ref, branch, kept, **rest)  # type: ignore[arg-type]

    with pytest.raises(HubpubError) as caught:
        rolled_back(Forgetful(), adapter, "1.0.0")  # type: ignore[arg-type]
    rolled_back(hub, adapter, "1.0.0")

    assert ("HP-R01", ["adapter_model.safetensors"]) == (caught.value.code, caught.value.data["paths"])
    assert b"A" * 2000 == read(hub, adapter.ref("adapter"), "adapter_model.safetensors")


def test_only_one_repo_changes_and_its_version_counts_as_withdrawn(hub: RemoteHub, family: Family) -> None:
    """A release is of all its repos: 1.1.0 with one of them missing is none to release again."""
    two_versions(hub, family)
    before = look(hub, family.ref("dataset"))
    plan, _ = rolled_back(hub, family, "1.0.0", "merged")
    with pytest.raises(HubpubError) as caught:
        family.plan(hub, asked="1.1.0")

    assert before == look(hub, family.ref("dataset"))
    assert b"M" * 5000 == read(hub, family.ref("merged"), "model.safetensors")
    assert (("1.1.0",), False) == (plan.withdrawn, plan.whole)
    assert "HP-R08" == caught.value.code
    assert planned(hub, family, "1.0.0").whole


def test_a_version_that_is_not_there_is_refused_with_those_that_are(hub: RemoteHub, family: Family) -> None:
    """A slip of the finger at night."""
    two_versions(hub, family)
    with pytest.raises(HubpubError) as caught:
        planned(hub, family, "1.0.1")
    with pytest.raises(HubpubError) as none:
        planned(hub, family, None)

    assert ("HP-M09", 2, ["1.0.0", "1.1.0"], "hubpub rollback demo 1.1.0") == (
        caught.value.code,
        caught.value.exit_code,
        caught.value.data["versions"],
        caught.value.hint,
    )
    assert ("HP-M09", ["1.0.0", "1.1.0"]) == (none.value.code, none.value.data["versions"])


def test_a_repo_that_joined_later_stays_as_it_is(hub: RemoteHub, make_family: Callable[..., Family]) -> None:
    """There is no earlier state of it; the plan says so."""
    family = make_family(("adapter",))
    family.release(hub, asked="1.0.0")
    family.kinds = ("adapter", "merged")
    family.__post_init__()
    family.write("adapter", "adapter_model.safetensors", b"B" * 2000)
    family.release(hub, asked="1.1.0")
    merged = look(hub, family.ref("merged"))
    plan, _ = rolled_back(hub, family, "1.0.0")

    assert "was no part of 1.0.0 and stays as it is" == plan.repos[0].note
    assert merged == look(hub, family.ref("merged"))
    assert (b"A" * 2000, True) == (
        read(hub, family.ref("adapter"), "adapter_model.safetensors"),
        plan.whole,
    )


# withdrawn versions


@pytest.mark.parametrize("asked", [None, "1.1.0"])
def test_a_withdrawn_version_is_not_released_again(hub: RemoteHub, family: Family, asked: str | None) -> None:
    """Neither by its name nor because the same files still lie here; the next free one is named."""
    two_versions(hub, family)
    rolled_back(hub, family, "1.0.0")
    with pytest.raises(HubpubError) as caught:
        family.plan(hub, asked=asked)

    assert ("HP-R08", 2, "1.2.0", "1.1.0") == (
        caught.value.code,
        caught.value.exit_code,
        caught.value.data["proposal"],
        caught.value.data["withdrawn"],
    )
    assert caught.value.hint.startswith("hubpub release demo 1.2.0")


def test_other_contents_under_an_old_number_are_still_a_clash(hub: RemoteHub, family: Family) -> None:
    """What was withdrawn has nothing to do with it."""
    two_versions(hub, family)
    rolled_back(hub, family, "1.0.0")
    next_version(family, "1.2.0")
    with pytest.raises(HubpubError) as caught:
        family.plan(hub)

    assert ("HP-M07", "1.2.0") == (caught.value.code, caught.value.data["proposal"])


def test_the_next_version_is_released_upon_the_rolled_back_main(hub: RemoteHub, family: Family) -> None:
    """No conflict with our own rollback, no file of the withdrawn version comes along; also for its very contents."""
    two_versions(hub, family)
    rolled_back(hub, family, "1.0.0")
    family.write("merged", "chat_template.jinja", None)
    family.write("merged", "model.safetensors", b"C" * 2000)
    family.release(hub, asked="1.2.0", allow_delete=["generation_config.json"])
    seen = {kind: look(hub, family.ref(kind)) for kind in KINDS}

    for kind in KINDS:
        assert f"demo 1.2.0: {kind}" == seen[kind].commits[0]
        assert seen[kind].files == seen[kind].tags["v1.2.0"]
    assert {".gitattributes", "README.md", "config.json", "model.safetensors"} == set(seen["merged"].files)
    assert not family.plan(hub, asked="1.2.0").changes_anything
    assert ("1.1.0",) == family.version(hub, "1.2.0").withdrawn


def test_the_old_version_released_again_is_a_card_revision_and_no_conflict(
    hub: RemoteHub, family: Family
) -> None:
    """Whoever went back in git as well has other cards than the Hub, or the same ones."""
    two_versions(hub, family)
    rolled_back(hub, family, "1.0.0")
    for kind in KINDS:
        for path in look(hub, family.ref(kind)).files.keys() - {".gitattributes"}:
            family.write(kind, path, read(hub, family.ref(kind), path))
    family.write("merged", "chat_template.jinja", None)
    same = family.plan(hub, asked="1.0.0")
    family.write("merged", "README.md", CARD.format("the banner in other words").encode())
    plan, _ = family.release(hub, asked="1.0.0")

    assert (False, "1.0.0+card.1") == (same.changes_anything, plan.label)
    assert ("1.1.0",) == family.version(hub, "1.0.0").withdrawn_since


def test_going_forward_again_takes_a_version_back_into_use(hub: RemoteHub, family: Family) -> None:
    """The rollback was the mistake: main is 1.1.0 to the byte, without a banner, and may be continued."""
    two_versions(hub, family)
    rolled_back(hub, family, "1.0.0")
    plan, _ = rolled_back(hub, family, "1.1.0")

    for kind in KINDS:
        seen = look(hub, family.ref(kind))
        assert seen.tags["v1.1.0"] == seen.files
    assert () == plan.withdrawn
    assert not family.plan(hub, asked="1.1.0").changes_anything
    back, _ = rolled_back(hub, family, "1.0.0")
    assert (("1.1.0",), True) == (back.withdrawn, back.changes_anything)


def test_a_bad_version_stays_withdrawn_when_one_above_it_is_taken_back_into_use(
    hub: RemoteHub, adapter: Family
) -> None:
    """1.1.0 was bad; 1.2.0 was withdrawn by mistake, and its return says nothing of 1.1.0."""
    two_adapters(hub, adapter)
    rolled_back(hub, adapter, "1.0.0")
    next_version_of(adapter, "1.2.0")
    adapter.release(hub, asked="1.2.0")
    down, _ = rolled_back(hub, adapter, "1.0.0")
    up, _ = rolled_back(hub, adapter, "1.2.0")

    assert (("1.1.0", "1.2.0"), ("1.1.0",)) == (down.withdrawn, up.withdrawn)
    assert b"Withdrawn" not in read(hub, adapter.ref("adapter"), "README.md")


def commit(label: str, said: str = "", name: str = NAME) -> Commit:
    return Commit("c", "t", f"hubpub: {name} {label} {'0' * 16}\n{said}")


@pytest.mark.parametrize(
    ("history", "found"),
    [
        ([commit("1.0.0")], set()),
        ([commit("1.0.0", "hubpub-withdrawn: 1.1.0, 1.2.0"), commit("1.2.0")], {"1.1.0", "1.2.0"}),
        ([commit("1.1.0"), commit("1.0.0", "hubpub-withdrawn: 1.1.0, 1.2.0")], {"1.2.0"}),
        ([commit("1.0.0+card.1"), commit("1.0.0", "hubpub-withdrawn: 1.1.0")], {"1.1.0"}),
        # of another release, or no commit of ours
        ([commit("1.0.0", "hubpub-withdrawn: 1.1.0", name="other")], set()),
        ([Commit("c", "t", "hubpub-withdrawn: 1.1.0")], set()),
    ],
)
def test_the_newest_statement_about_a_version_counts(history: list[Commit], found: set[str]) -> None:
    """Any machine reads it from the history alone."""
    assert found == withdrawn(history, NAME)


def test_a_statement_is_what_is_read_again_and_versions_stand_in_semvers_order() -> None:
    """1.10.0 comes after 1.9.0, and a candidate before its version."""
    ordered = ["1.0.0-rc.2", "1.0.0-rc.10", "1.0.0", "1.9.0", "1.10.0"]

    assert ordered == sorted(["1.10.0", *ordered[:-1]], key=precedence)
    assert "hubpub-withdrawn: 1.9.0, 1.10.0" == statement({"1.10.0", "1.9.0"})
    assert "" == statement(())
    assert {"1.9.0", "1.10.0"} == withdrawn([commit("1.0.0", statement({"1.10.0", "1.9.0"}))], NAME)
    assert ("1.9.0", "1.10.0") == newer(ordered, "1.0.0")


# a newer version that came half way


def half_promoted(hub: Hub, family: Family, at: int) -> None:
    """1.0.0 is whole; 1.1.0, staged and proven, died after its first commit on a main, or the tag there."""
    family.release(hub, asked="1.0.0")
    next_version(family)
    plan = family.plan(hub, asked="1.1.0")
    staged = family.stage(hub, plan)
    proven = family.verify(hub, plan, staged)
    for kind in KINDS:
        hub.create_tag(
            family.ref(kind), "hubpub/v1.1.0/run", at=staged.commits[family.ref(kind).repo_id], message=""
        )
    dying = FailingHub(hub, at=at, fault=Killed(), only=frozenset({"commit", "create_tag"}))
    with pytest.raises(Killed):
        family.promote(dying, plan, staged, proven)  # type: ignore[arg-type]


@pytest.mark.parametrize("at", [1, 2])
def test_a_half_promoted_version_is_put_back_and_what_it_staged_goes(
    hub: RemoteHub, family: Family, at: int
) -> None:
    """Tagged or not: it stood on main, so it is withdrawn; repos that it never reached get no commit."""
    half_promoted(hub, family, at)
    plan, _ = rolled_back(hub, family, "1.0.0")
    seen = {kind: look(hub, family.ref(kind)) for kind in KINDS}
    with pytest.raises(HubpubError) as caught:
        family.plan(hub, asked="1.1.0")

    assert ("1.1.0",) == plan.withdrawn
    assert [("main",)] * 2 == [repo.branches for repo in seen.values()]
    assert ["demo back to 1.0.0: dataset", "demo 1.0.0: merged"] == [
        repo.commits[0] for repo in seen.values()
    ]
    assert not [tag for repo in seen.values() for tag in repo.tags if tag.startswith("hubpub/")]
    assert ("HP-R08", "1.2.0") == (caught.value.code, caught.value.data["proposal"])


# one commit, and of each repo the branch and the proof
CLEARING = 1 + 2 * 2


def test_the_writes_that_clear_are_as_many_as_the_deaths_below(hub: RemoteHub, family: Family) -> None:
    """Otherwise a new step would go untested."""
    half_promoted(hub, family, at=2)
    watched = FailingHub(hub, at=0, fault=Killed())
    rolled_back(watched, family, "1.0.0")  # type: ignore[arg-type]

    assert CLEARING == len(watched.done)


@pytest.mark.parametrize("at", range(1, CLEARING + 1))
def test_the_clearing_of_a_half_promoted_version_may_die_as_well(
    hub: RemoteHub, family: Family, at: int
) -> None:
    """Branches and proofs go after the commit; the next run finds them by the versions that are withdrawn."""
    half_promoted(hub, family, at=2)
    dying = FailingHub(hub, at=at, fault=Killed())
    with pytest.raises(Killed):
        rolled_back(dying, family, "1.0.0")  # type: ignore[arg-type]
    rolled_back(hub, family, "1.0.0")
    seen = [look(hub, family.ref(kind)) for kind in KINDS]

    assert [("main",)] * 2 == [repo.branches for repo in seen]
    assert not [tag for repo in seen for tag in repo.tags if tag.startswith("hubpub/")]
    assert "demo back to 1.0.0: dataset" == seen[0].commits[0]
    assert 4 == len(seen[0].commits)


def test_what_is_staged_and_never_stood_on_a_main_stays_staged(hub: RemoteHub, family: Family) -> None:
    """1.1.0 waits for its promotion; going back to what main holds is no reason to throw it away."""
    family.release(hub, asked="1.0.0")
    next_version(family)
    family.stage(hub, family.plan(hub, asked="1.1.0"))
    plan = planned(hub, family, "1.0.0")

    assert (False, ()) == (plan.changes_anything, plan.withdrawn)


# a first release that came half way


def half_released(hub: Hub, family: Family) -> None:
    """Dead after the first repo became public."""
    plan = family.plan(hub, asked="1.0.0")
    staged = family.stage(hub, plan)
    proven = family.verify(hub, plan, staged)
    dying = FailingHub(hub, at=1, fault=Killed(), only=frozenset({"set_visibility"}))
    with pytest.raises(Killed):
        family.promote(dying, plan, staged, proven)  # type: ignore[arg-type]


def test_a_half_done_first_release_becomes_private_and_can_still_be_completed(
    hub: RemoteHub, make_family: Callable[..., Family]
) -> None:
    """There is no earlier version; nothing is deleted, and the next run ends where an undisturbed one would have."""
    calm = make_family(KINDS, public=KINDS)
    calm.release(hub, asked="1.0.0")
    family = make_family(KINDS, public=KINDS)
    half_released(hub, family)
    public = [look(hub, family.ref(kind)).private for kind in KINDS]
    plan, _ = rolled_back(hub, family, None)
    hidden = [look(hub, family.ref(kind)) for kind in KINDS]
    again = planned(hub, family, None)
    family.release(hub, asked="1.0.0")

    assert [False, True] == public
    assert [True, True] == [repo.private for repo in hidden]
    assert [True, True] == ["hubpub/v1.0.0" in repo.branches for repo in hidden]
    assert ["dataset"] == [repo.kind for repo in plan.repos if repo.becomes_private]
    assert not again.changes_anything
    assert [look(hub, calm.ref(kind)) for kind in KINDS] == [look(hub, family.ref(kind)) for kind in KINDS]


def test_a_repo_that_was_public_before_us_stays_public(
    hub: RemoteHub, make_family: Callable[..., Family]
) -> None:
    """It was somebody's page before this release touched it."""
    family = make_family(KINDS, public=KINDS)
    hub.create(family.ref("dataset"), private=False)
    push(hub, family.ref("dataset"), ("theirs.csv", b"a,b"))
    plan = family.plan(hub, asked="1.0.0")
    staged = family.stage(hub, plan)
    proven = family.verify(hub, plan, staged)
    dying = FailingHub(hub, at=2, fault=Killed(), only=frozenset({"commit"}))
    with pytest.raises(Killed):
        family.promote(dying, plan, staged, proven)  # type: ignore[arg-type]
    back = planned(hub, family, None)

    assert not back.changes_anything
    assert "stays public: it held files before this release" == back.repos[-1].note


def test_a_rollback_is_in_the_journal(hub: RemoteHub, adapter: Family) -> None:
    """Before and after, as every other step."""
    two_adapters(hub, adapter)
    rolled_back(hub, adapter, "1.0.0")
    steps = [(line["event"], line["step"]) for line in adapter.journal.lines() if "step" in line]

    assert [("begin", "rollback"), ("done", "rollback")] == steps[-2:]


def test_the_blob_id_of_bytes_is_that_of_the_file(tmp_path: Path) -> None:
    """The README that was written anew is compared with what the Hub lists."""
    assert "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391" == git_blob_id_of(b"")
