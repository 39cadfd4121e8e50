"""`--propose`: a stranger's release waits on pull requests, proven there, and the owner promotes it by merging."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from huggingface_hub import CommitOperationAdd, HfApi
from release_family import CARD, FailingHub, Family, Killed, look, lost_answer, push, read

from publisher.errors import HubpubError
from publisher.hub.port import Hub, Proposal
from publisher.hub.remote import RemoteHub
from publisher.records.artifacts import Kind, RepoRef
from publisher.records.plans import Plan
from publisher.records.receipts import Proposed, Proven
from publisher.release.propose import open_proposals, proposable, stage_proposals
from publisher.staging.server import EmbeddedHub

USERS = """
- name: acme
  tokens: [{token: hf_acmewrites, role: write}]
- name: bob
  tokens: [{token: hf_bobwrites, role: write}]
"""
KINDS: tuple[Kind, ...] = ("dataset", "adapter")
BETTER = CARD.format("better words").encode()
PROPOSE_WRITES = 2 * 4  # draft, commit, comment, opening, a repo
_names = itertools.count(1)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedHub]:
    folder = tmp_path_factory.mktemp("propose-room")
    (folder / "users.yaml").write_text(USERS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("os.fsync", lambda _: None)
        with EmbeddedHub(folder / "data", users=folder / "users.yaml") as running:
            yield running


@pytest.fixture(scope="module")
def owner(server: EmbeddedHub) -> RemoteHub:
    """Whose repos these are."""
    return RemoteHub(server.url, "hf_acmewrites", "hub.test")


@pytest.fixture(scope="module")
def bob(server: EmbeddedHub) -> RemoteHub:
    """Who may read them, as everyone may."""
    return RemoteHub(server.url, "hf_bobwrites", "hub.test")


@dataclass
class Proposing(Family):
    """A family whose changes are proposed."""

    counts: list[int] = field(default_factory=list)

    def propose(self, hub: Hub, *, asked: str | None = None) -> tuple[Plan, Proposed]:
        """The whole way of `--propose`."""
        plan = proposable(self.plan(hub, asked=asked))
        packages = self.packages()
        staged = stage_proposals(hub, plan, packages, self.journal, lambda size, _: self.counts.append(size))
        proven = self.verify(hub, plan, staged)
        return plan, open_proposals(hub, plan, self.packages(), staged, proven, self.journal)


def _released(owner: RemoteHub, root: Path, kinds: tuple[Kind, ...]) -> Proposing:
    family = Proposing(root, "acme", kinds, kinds, named=f"demo{next(_names)}")
    family.release(owner)
    for kind in kinds:
        family.write(kind, "README.md", BETTER)
    return family


@pytest.fixture
def family(owner: RemoteHub, tmp_path: Path) -> Proposing:
    """Two public repos of acme's, released; the cards are better here."""
    return _released(owner, tmp_path, KINDS)


@pytest.fixture
def adapter(owner: RemoteHub, tmp_path: Path) -> Proposing:
    """One of them."""
    return _released(owner, tmp_path, ("adapter",))


def requests(hub: RemoteHub, family: Family, kind: Kind = "adapter") -> tuple[Proposal, ...]:
    """The pull requests of a repo, newest first."""
    return hub.proposals(family.ref(kind))


def at(hub: RemoteHub, family: Family, number: int, path: str) -> bytes:
    """A file as a pull request has it."""
    return read(hub, family.ref("adapter"), path, f"refs/pr/{number}")


def api_of(hub: RemoteHub) -> HfApi:
    """The client itself, for what others do on the website."""
    return HfApi(endpoint=hub.endpoint, token=hub.token)


def test_a_stranger_proposes_and_touches_nothing_else(
    owner: RemoteHub, bob: RemoteHub, family: Proposing
) -> None:
    """Nothing on main, no tag, no branch; one open pull request a repo, with the proof said in it."""
    before = [look(owner, family.ref(kind)) for kind in KINDS]
    plan, proposed = family.propose(bob)
    request = proposed.pull_requests[1]
    heads = [bob.commits(family.ref(kind), "refs/pr/1")[0] for kind in KINDS]

    assert before == [look(owner, family.ref(kind)) for kind in KINDS]
    assert [("open", "bob", f"{plan.name} 1.0.0+card.1: {kind}") for kind in KINDS] == [
        (each.status, each.author, each.title) for kind in KINDS for each in requests(bob, family, kind)
    ]
    assert [BETTER] * 2 == [read(bob, family.ref(kind), "README.md", "refs/pr/1") for kind in KINDS]
    assert f"{bob.endpoint}/{family.ref('adapter').repo_id}/discussions/1" == request.url
    assert (
        proposed.pull_requests[0].url
        == f"{bob.endpoint}/datasets/{family.ref('dataset').repo_id}/discussions/1"
    )
    assert [head.id for head in heads] == [each.commit for each in proposed.pull_requests]
    assert f"proof: run\nproven: {request.commit}" in bob.comments(family.ref("adapter"), 1)[-1]
    assert list(KINDS) == family.proofs[len(KINDS) :]


def test_what_was_merged_is_found_and_only_tagged(
    owner: RemoteHub, bob: RemoteHub, adapter: Proposing
) -> None:
    """After the merge the owner's release has no file to send, and the one thing left is the tag."""
    adapter.write("adapter", "adapter_config.json", b'{"r": 8}')
    adapter.propose(bob, asked="1.1.0")
    api_of(owner).merge_pull_request(adapter.ref("adapter").repo_id, 1)
    plan, promoted = adapter.release(owner, asked="1.1.0")
    seen = look(owner, adapter.ref("adapter"))

    assert ["tag"] == [step.op for step in plan.repos[0].changes]
    assert (f"{plan.name} 1.1.0: adapter (#1)", {"v1.0.0", "v1.1.0"}) == (seen.commits[0], set(seen.tags))
    assert (
        promoted.commits[adapter.ref("adapter").repo_id]
        == owner.commits(adapter.ref("adapter"), "main")[0].id
    )
    assert not proposable(adapter.plan(bob, asked="1.1.0")).changes_anything


def test_a_merge_without_our_trailer_is_still_ours(
    owner: RemoteHub, bob: RemoteHub, adapter: Proposing
) -> None:
    """Which messages a merge repeats is for the Hub to say; an edit made after it is an edit, and is kept."""
    adapter.write("adapter", "README.md", CARD.format("proposed").encode())
    adapter.propose(bob)
    ref = adapter.ref("adapter")
    [request] = requests(bob, adapter)
    api_of(owner).create_commit(  # as a Hub may do it whose merge says nothing but the title
        ref.repo_id,
        [CommitOperationAdd("README.md", at(bob, adapter, 1, "README.md"))],
        commit_message=f"{request.title} (#{request.number})",
    )
    api_of(owner).change_discussion_status(ref.repo_id, 1, "closed")
    push(owner, ref, ("README.md", CARD.format("edited on the website").encode()))
    plan = adapter.plan(owner)

    assert ("1.0.0+card.1", False) == (plan.label, plan.changes_anything)


def test_proposing_again_says_nothing_twice(bob: RemoteHub, adapter: Proposing) -> None:
    """The same state: same pull request, same commit, one comment; no byte is sent."""
    _, first = adapter.propose(bob)
    adapter.counts.clear()
    _, second = adapter.propose(bob)
    ref = adapter.ref("adapter")

    assert first == second
    assert ([], 1, 2) == (adapter.counts, len(requests(bob, adapter)), len(bob.comments(ref, 1)))


def test_a_changed_plan_goes_to_the_same_pull_request(bob: RemoteHub, adapter: Proposing) -> None:
    """Other files, another version: one more commit, a new title, and files that are no more are gone from it."""
    adapter.write("adapter", "evidence/old.json", b"{}")
    _, first = adapter.propose(bob)
    adapter.write("adapter", "evidence/old.json", None)
    adapter.write("adapter", "README.md", CARD.format("even better").encode())
    adapter.write("adapter", "adapter_model.safetensors", b"B" * 3000)
    _, second = adapter.propose(bob, asked="1.1.0")
    ref = adapter.ref("adapter")
    [request] = requests(bob, adapter)
    tree = {file.path for file in bob.tree(ref, "refs/pr/1")}

    assert (1, "open", "demo 1.1.0: adapter") == (request.number, request.status, request.title)
    assert (b"B" * 3000, CARD.format("even better").encode()) == (
        at(bob, adapter, 1, "adapter_model.safetensors"),
        at(bob, adapter, 1, "README.md"),
    )
    assert "evidence/old.json" not in tree
    assert first.pull_requests[0].commit == bob.commits(ref, "refs/pr/1")[1].id
    assert [first.pull_requests[0].commit, second.pull_requests[0].commit] == [
        text.rsplit("proven: ", 1)[1] for text in bob.comments(ref, 1) if "proven: " in text
    ]


def test_what_was_closed_stays_closed(owner: RemoteHub, bob: RemoteHub, adapter: Proposing) -> None:
    """Somebody said no to it; whoever proposes again opens another one."""
    adapter.propose(bob)
    api_of(owner).change_discussion_status(adapter.ref("adapter").repo_id, 1, "closed")
    _, proposed = adapter.propose(bob)

    assert [(2, "open"), (1, "closed")] == [(r.number, r.status) for r in requests(bob, adapter)]
    assert [2] == [request.number for request in proposed.pull_requests]


def test_pull_requests_of_others_are_not_ours(owner: RemoteHub, bob: RemoteHub, adapter: Proposing) -> None:
    """Not one of another account, even with our trailer in it, and not another one of our own account."""
    theirs = api_of(owner).create_commit(
        adapter.ref("adapter").repo_id,
        [CommitOperationAdd("evil.py", b"x")],
        commit_message="demo 1.0.0+card.1: adapter",
        commit_description=f"hubpub: demo 1.0.0+card.1 {'0' * 16}",
        create_pr=True,
    )
    api_of(bob).create_pull_request(adapter.ref("adapter").repo_id, title="A thought")
    _, proposed = adapter.propose(bob)

    assert 1 == theirs.pr_num
    assert [3] == [request.number for request in proposed.pull_requests]
    assert "evil.py" not in {file.path for file in bob.tree(adapter.ref("adapter"), "refs/pr/3")}


@pytest.fixture(scope="module")
def undisturbed(owner: RemoteHub, bob: RemoteHub, tmp_path_factory: pytest.TempPathFactory) -> list[object]:
    """What a proposal looks like when nothing happens to it."""
    family = _released(owner, tmp_path_factory.mktemp("calm"), KINDS)
    family.propose(bob)
    return _state(bob, family)


def _state(hub: RemoteHub, family: Family) -> list[object]:
    """Everything of the pull requests that can be compared with another family's."""
    return [
        (
            each.number,
            each.title,
            each.status,
            {f.path: f.blob_id for f in hub.tree(family.ref(kind), each.branch)},
            [commit.title for commit in hub.commits(family.ref(kind), each.branch)],
            len(hub.comments(family.ref(kind), each.number)),
        )
        for kind in family.kinds
        for each in requests(hub, family, kind)
    ]


def test_the_writes_of_a_proposal_are_as_many_as_the_deaths_below(bob: RemoteHub, family: Proposing) -> None:
    """Otherwise a new step would go untested. All are proven before the first is opened."""
    watched = FailingHub(bob, at=0, fault=Killed())
    family.propose(watched)

    assert PROPOSE_WRITES == len(watched.done)
    assert ["propose", "commit"] * 2 + ["comment", "open_proposal"] * 2 == watched.done


@pytest.mark.parametrize("nth", range(1, PROPOSE_WRITES + 1))
@pytest.mark.parametrize("fault", [Killed(), lost_answer()])
def test_a_death_or_a_lost_answer_at_any_write_leaves_one_pull_request(
    bob: RemoteHub, family: Proposing, undisturbed: list[object], nth: int, fault: BaseException
) -> None:
    """After a crash the client alone opens a second one; a comment is said once, a commit is made once."""
    failing = FailingHub(bob, at=nth, fault=fault)
    if isinstance(fault, Killed):
        with pytest.raises(Killed):
            family.propose(failing)
        family.propose(bob)
    else:
        family.propose(failing)

    assert undisturbed == _state(bob, family)


@pytest.mark.parametrize("nth", range(1, 4))
def test_a_death_while_the_pull_request_is_updated_leaves_one(
    bob: RemoteHub, adapter: Proposing, nth: int
) -> None:
    """Title, commit, comment: whatever is missing is done by the next run."""
    adapter.propose(bob)
    adapter.write("adapter", "adapter_config.json", b'{"r": 8}')
    with pytest.raises(Killed):
        adapter.propose(FailingHub(bob, at=nth, fault=Killed()), asked="1.1.0")
    adapter.propose(bob, asked="1.1.0")
    [request] = requests(bob, adapter)

    assert (1, "open", "demo 1.1.0: adapter") == (request.number, request.status, request.title)
    assert (b'{"r": 8}', 3) == (
        at(bob, adapter, 1, "adapter_config.json"),
        len(bob.comments(adapter.ref("adapter"), 1)),
    )


def test_a_commit_of_others_on_our_pull_request_is_not_overwritten(
    owner: RemoteHub, bob: RemoteHub, adapter: Proposing
) -> None:
    """The maintainers mended our words; what we would change now is shown against theirs."""
    adapter.propose(bob)
    ref = adapter.ref("adapter")
    theirs = api_of(owner).create_commit(
        ref.repo_id,
        [CommitOperationAdd("README.md", CARD.format("mended").encode())],
        commit_message="Mended",
        revision="refs/pr/1",
    )
    with pytest.raises(HubpubError) as caught:
        adapter.propose(bob)

    assert ("HP-H05", theirs.oid) == (caught.value.code, caught.value.data["found"])
    assert "pull request 1" in caught.value.what
    assert "“Mended” by acme" in caught.value.what
    assert CARD.format("mended").encode() == at(bob, adapter, 1, "README.md")


@pytest.mark.parametrize("closed", [False, True])
def test_what_happens_to_it_while_it_is_being_proven_leaves_it_unopened(
    owner: RemoteHub, bob: RemoteHub, adapter: Proposing, closed: bool
) -> None:
    """The comment would speak of another state, or to nobody."""
    plan = proposable(adapter.plan(bob))
    staged = stage_proposals(bob, plan, adapter.packages(), adapter.journal)
    proven = adapter.verify(bob, plan, staged)
    ref = adapter.ref("adapter")
    if closed:
        api_of(owner).change_discussion_status(ref.repo_id, 1, "closed")
    else:
        api_of(owner).create_commit(
            ref.repo_id, [CommitOperationAdd("x.txt", b"x")], commit_message="x", revision="refs/pr/1"
        )
    with pytest.raises(HubpubError) as caught:
        open_proposals(bob, plan, adapter.packages(), staged, proven, adapter.journal)

    assert "HP-H05" == caught.value.code
    assert ("closed" if closed else "draft") == requests(bob, adapter)[0].status


def test_a_push_to_main_meanwhile_is_planned_anew_on_the_same_pull_request(
    owner: RemoteHub, bob: RemoteHub, adapter: Proposing
) -> None:
    """What would be merged is not what was proven; the next run looks again and goes on."""
    plan = proposable(adapter.plan(bob))
    staged = stage_proposals(bob, plan, adapter.packages(), adapter.journal)
    proven = adapter.verify(bob, plan, staged)
    push(owner, adapter.ref("adapter"), ("theirs.txt", b"theirs"))
    with pytest.raises(HubpubError) as caught:
        open_proposals(bob, plan, adapter.packages(), staged, proven, adapter.journal)
    adapter.propose(bob)
    api_of(owner).merge_pull_request(adapter.ref("adapter").repo_id, 1)

    assert "HP-H05" == caught.value.code
    assert [(1, "merged")] == [(r.number, r.status) for r in requests(bob, adapter)]
    assert (b"theirs", BETTER) == tuple(
        read(owner, adapter.ref("adapter"), path) for path in ("theirs.txt", "README.md")
    )


def test_a_repo_that_does_not_exist_cannot_be_proposed_to(
    owner: RemoteHub, bob: RemoteHub, tmp_path: Path
) -> None:
    """Nothing is created, under no account."""
    family = Proposing(tmp_path, "acme", ("adapter",), named=f"demo{next(_names)}")
    with pytest.raises(HubpubError) as caught:
        family.propose(bob)

    assert ("HP-H04", [family.ref("adapter").repo_id]) == (caught.value.code, caught.value.data["missing"])
    assert "--reserve" in caught.value.hint
    assert owner.state(family.ref("adapter")) is None


def test_what_shall_be_private_is_not_shown_in_a_public_repo(
    owner: RemoteHub, bob: RemoteHub, adapter: Proposing
) -> None:
    """A pull request cannot hide the repo, and everyone would see what waits in it."""
    adapter.public = ()
    with pytest.raises(HubpubError) as caught:
        adapter.propose(bob)

    assert ("HP-H03", True) == (caught.value.code, "private" in caught.value.what)
    assert () == requests(bob, adapter)


def test_a_rename_is_not_proposed(bob: RemoteHub, adapter: Proposing) -> None:
    """Only an owner can do that; the files would go to a repo that does not exist."""
    former: Mapping[Kind, RepoRef] = {"adapter": adapter.ref("adapter")}
    other = Proposing(
        adapter.root, "acme", ("adapter",), ("adapter",), named=f"{adapter.named}x", former=former
    )
    with pytest.raises(HubpubError) as caught:
        other.propose(bob)

    assert ("HP-H03", f"repo: {adapter.ref('adapter').repo_id}") == (
        caught.value.code,
        caught.value.hint.rsplit("manifest: ", 1)[1],
    )


def test_without_a_proof_nothing_is_opened(bob: RemoteHub, adapter: Proposing) -> None:
    """The comment says what was proven, and there is nothing to say."""
    plan = proposable(adapter.plan(bob))
    staged = stage_proposals(bob, plan, adapter.packages(), adapter.journal)
    with pytest.raises(HubpubError) as caught:
        open_proposals(bob, plan, adapter.packages(), staged, Proven(()), adapter.journal)

    assert ("HP-R02", "draft") == (caught.value.code, requests(bob, adapter)[0].status)
