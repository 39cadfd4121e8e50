"""Readers of an older repo are sent on: `new_version` in its card, and nothing else there changes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from release_family import FailingHub, Family, Killed, look, lost_answer, push, read

from publisher.cli.plan_text import plan_document, plan_text
from publisher.errors import HubpubError
from publisher.hub.port import Operation
from publisher.hub.remote import RemoteHub
from publisher.records.artifacts import Kind, RepoRef
from publisher.records.plans import Plan, Supersede
from publisher.release.supersede import plan_superseded, supersede, with_new_version
from publisher.staging.server import EmbeddedHub

USERS = """
- name: alice
  tokens: [{token: hf_alice}]
- name: bob
  tokens: [{token: hf_bob}]
"""
BODY = "# The old one\r\n\n  It  was fine. \n\n---\nnew_version: not this line\n"
OLD_CARD = f"---\nlicense: mit  # as its base\ntags: [a,  b]\n---\n{BODY}"


def make_old(hub: RemoteHub, repo_id: str, card: str | None = OLD_CARD, *, private: bool = True) -> RepoRef:
    """An older model of somebody's, with a card and weights."""
    ref = RepoRef(repo_id)
    hub.create(ref, private=private)
    push(hub, ref, ("model.safetensors", b"old" * 100))
    if card is not None:
        push(hub, ref, ("README.md", card.encode()))
    return ref


@dataclass(frozen=True)
class Replacing:
    """A release whose merged model replaces an older repo."""

    family: Family
    old: RepoRef

    @property
    def refs(self) -> dict[Kind, RepoRef]:
        return {kind: self.family.ref(kind) for kind in self.family.kinds}

    @property
    def new(self) -> str:
        return self.refs["merged"].repo_id

    def plan(self, hub: Any, **changes: Any) -> tuple[Supersede, ...]:
        private = {kind: kind not in self.family.public for kind in self.family.kinds}
        return plan_superseded(hub, self.refs, private, {"merged": self.old.repo_id}, **changes)

    def run(self, hub: Any, planned: Sequence[Supersede]) -> None:
        supersede(hub, planned, "demo", "1.0.0", self.family.journal)


@pytest.fixture
def replacing(hub: RemoteHub, family: Family) -> Replacing:
    return Replacing(family, make_old(hub, f"{family.owner}/old-model"))


def test_the_old_card_names_the_new_repo_and_nothing_else_changes(
    hub: RemoteHub, replacing: Replacing
) -> None:
    """One commit with our trailer; spaces, comments, line ends and the words below are the author's."""
    before = look(hub, replacing.old)
    replacing.run(hub, replacing.plan(hub))
    after = look(hub, replacing.old)
    newest = hub.commits(replacing.old, "main")[0]

    expected = f"---\nnew_version: {replacing.new}\nlicense: mit  # as its base\ntags: [a,  b]\n---\n{BODY}"
    assert expected.encode() == read(hub, replacing.old, "README.md")
    assert {**before.files, "README.md": after.files["README.md"]} == after.files
    assert (f"new_version: {replacing.new}", *before.commits) == after.commits
    assert "hubpub: demo 1.0.0 " in newest.message
    assert ("begin", "done") == tuple(
        json.loads(line)["event"] for line in replacing.family.journal.file.read_text().splitlines()
    )


def test_what_is_so_already_is_no_line_of_the_plan(hub: RemoteHub, replacing: Replacing) -> None:
    """The second run of a finished release does nothing."""
    replacing.run(hub, replacing.plan(hub))

    assert () == replacing.plan(hub)


def test_the_plan_shows_it_as_a_line_of_its_own_and_has_something_to_do(
    hub: RemoteHub, replacing: Replacing
) -> None:
    """A repo outside the release is touched: that must be seen before it is confirmed."""
    (planned,) = replacing.plan(hub)
    plan = Plan("https://hub.example", "hub.example", "demo", "1.0.0", "1.0.0", (), (planned,))
    instead = Plan(
        "https://hub.example", "hub.example", "demo", "1.0.0", "1.0.0", (),
        (Supersede(replacing.old, replacing.new, "acme/middle"),),
    )  # fmt: skip
    line = f"  ~ {replacing.old.repo_id}: new_version: {replacing.new}"

    assert plan.changes_anything
    assert line in plan_text(plan).splitlines()
    assert f"{line} (was acme/middle)" in plan_text(instead).splitlines()
    assert [{"repo_id": replacing.old.repo_id, "new_version": replacing.new, "was": None}] == plan_document(
        plan
    )["superseded"]


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_death_at_the_commit_is_gone_on_from(after: bool, hub: RemoteHub, replacing: Replacing) -> None:
    """The same command again: one commit in the end, whichever side of it the program died on."""
    dying = FailingHub(hub, at=1, fault=Killed(), only=frozenset({"commit"}), after=after)
    planned = replacing.plan(hub)
    with pytest.raises(Killed):
        replacing.run(dying, planned)
    replacing.run(hub, replacing.plan(hub))

    assert 1 == look(hub, replacing.old).commits.count(f"new_version: {replacing.new}")
    assert () == replacing.plan(hub)


def test_a_lost_answer_is_found_by_looking(hub: RemoteHub, replacing: Replacing) -> None:
    """The commit is there; another one would say the same again."""
    losing = FailingHub(hub, at=1, fault=lost_answer(), only=frozenset({"commit"}))
    replacing.run(losing, replacing.plan(hub))

    assert ["commit"] == losing.done
    assert 1 == look(hub, replacing.old).commits.count(f"new_version: {replacing.new}")


@dataclass
class EditedMeanwhile:
    """Somebody pushes to the old repo just before our commit arrives."""

    hub: RemoteHub
    left: int
    seen: list[str] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.hub, name)

    def commit(self, ref: RepoRef, branch: str, operations: Sequence[Operation], **rest: Any) -> str:
        if self.left:
            self.left -= 1
            card = read(self.hub, ref, "README.md") + b"An edit.\n"
            self.seen.append(push(self.hub, ref, ("README.md", card)))
        return self.hub.commit(ref, branch, operations, **rest)


def test_an_edit_that_came_in_between_is_kept(hub: RemoteHub, replacing: Replacing) -> None:
    """Guarded by the parent: the field is put into the card as it is now."""
    racing = EditedMeanwhile(hub, left=1)
    replacing.run(racing, replacing.plan(hub))
    card = read(hub, replacing.old, "README.md").decode()

    assert card.endswith(f"{BODY}An edit.\n")
    assert card.startswith(f"---\nnew_version: {replacing.new}\n")


def test_a_card_that_keeps_changing_is_left_alone(hub: RemoteHub, replacing: Replacing) -> None:
    """Three tries, then the truth; the next run goes on."""
    racing = EditedMeanwhile(hub, left=100)
    with pytest.raises(HubpubError) as caught:
        replacing.run(racing, replacing.plan(hub))

    assert ("HP-H05", 3) == (caught.value.code, len(racing.seen))
    assert 1 == len(replacing.plan(hub))


def test_a_repo_that_is_not_there_is_told_before_anything_is_sent(hub: RemoteHub, family: Family) -> None:
    """A mistyped name must not be found out after the release."""
    with pytest.raises(HubpubError) as caught:
        Replacing(family, RepoRef(f"{family.owner}/nothing")).plan(hub)

    assert "HP-H04" == caught.value.code
    assert "supersedes" in caught.value.hint


def test_a_release_does_not_replace_its_own_repos(hub: RemoteHub, family: Family) -> None:
    """Also not by the id that one of them had before it was renamed."""
    family.release(hub)
    old = RepoRef(f"{family.owner}/demo-before")
    hub.move(family.ref("merged"), old)
    hub.move(old, family.ref("merged"))
    codes = []
    for repo_id in (family.ref("adapter").repo_id, old.repo_id):
        with pytest.raises(HubpubError) as caught:
            Replacing(family, RepoRef(repo_id)).plan(hub)
        codes.append(caught.value.code)

    assert ["HP-M01", "HP-M01"] == codes


def test_readers_are_not_sent_to_a_repo_that_they_cannot_see(
    hub: RemoteHub, make_family: Callable[..., Family]
) -> None:
    """A public repo that points to a private one points to a page that says `not found`."""
    family = make_family(("merged",))
    old = make_old(hub, f"{family.owner}/old-model", private=False)
    with pytest.raises(HubpubError) as caught:
        Replacing(family, old).plan(hub)
    family.public = ("merged",)

    assert "HP-M01" == caught.value.code
    assert 1 == len(Replacing(family, old).plan(hub))


@pytest.fixture(scope="module")
def two_owners(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedHub]:
    folder = tmp_path_factory.mktemp("two-owners")
    (folder / "users.yaml").write_text(USERS)
    with EmbeddedHub(folder / "data", users=folder / "users.yaml") as running:
        yield running


def test_without_the_right_to_write_there_it_is_refused_when_it_is_planned(
    two_owners: EmbeddedHub, make_family: Callable[..., Family]
) -> None:
    """Not after everything is on main."""
    alice, bob = (RemoteHub(two_owners.url, f"hf_{name}", "hub.test") for name in ("alice", "bob"))
    old = make_old(bob, "bob/old-model", private=False)
    family = make_family(("merged",), public=("merged",))
    with pytest.raises(HubpubError) as caught:
        Replacing(family, old).plan(alice)

    assert "HP-H03" == caught.value.code
    assert "bob/old-model" in caught.value.what
    assert 1 == len(Replacing(family, old).plan(bob))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("---\na: 1\n---\nx\n", "---\nnew_version: acme/new\na: 1\n---\nx\n"),
        ("---\r\na: 1\r\n---\r\nx\r\n", "---\r\nnew_version: acme/new\r\na: 1\r\n---\r\nx\r\n"),
        ("\ufeff---\na: 1\n---\nx", "\ufeff---\nnew_version: acme/new\na: 1\n---\nx"),
        ("---\n\n---\nx\n", "---\nnew_version: acme/new\n\n---\nx\n"),
        ("", "---\nnew_version: acme/new\n---\n"),
        ("# No block\n", "---\nnew_version: acme/new\n---\n# No block\n"),
        ("---\nnew_version: b/c\na: 1\n---\n", "---\nnew_version: acme/new\na: 1\n---\n"),
        ("---\nnew_version: >-\n  b/c\na: 1\n---\n", "---\nnew_version: acme/new\na: 1\n---\n"),
        ("---\nnew_version:\na: 1\n---\n", "---\nnew_version: acme/new\na: 1\n---\n"),
        ("---\na: |\n  new_version: x\n---\n", "---\nnew_version: acme/new\na: |\n  new_version: x\n---\n"),
        ("---\na: {new_version: x}\n---\n", "---\nnew_version: acme/new\na: {new_version: x}\n---\n"),
        ("---\nnew_version: 'acme/new'\n---\n", "---\nnew_version: 'acme/new'\n---\n"),
    ],
)
def test_the_field_finds_its_place_in_every_form_of_a_card(before: str, after: str) -> None:
    """Cards are written by hand, on every system, with and without front matter."""
    assert after.encode() == with_new_version(before.encode(), "acme/new")


@pytest.mark.parametrize(
    "card",
    [
        b"---\na: [1\n---\nx\n",
        b"---\n{a: 1}\n---\nx\n",
        b'---\n"new_version": b/c\n---\n',
        b"---\n- a\n---\nx\n",
        b"\xff\xfe---\n",
    ],
    ids=["broken", "flow", "quoted key", "no mapping", "no UTF-8"],
)
def test_a_card_that_the_field_cannot_be_added_to_by_itself_is_refused(card: bytes) -> None:
    """Better no note than somebody's card rewritten."""
    with pytest.raises(HubpubError) as caught:
        with_new_version(card, "acme/new")

    assert "HP-H06" == caught.value.code


def test_a_repo_without_a_card_gets_one_with_this_field(hub: RemoteHub, family: Family) -> None:
    """Old repos often have none; the Hub shows the note all the same."""
    replacing = Replacing(family, make_old(hub, f"{family.owner}/bare", None))
    replacing.run(hub, replacing.plan(hub))

    assert f"---\nnew_version: {replacing.new}\n---\n".encode() == read(hub, replacing.old, "README.md")
