"""Promotion as a step of its own: days later, on a machine that has the lock and the Hub and nothing else."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from release_family import CARD, FailingHub, Family, Killed, look, lost_answer, push, read

from publisher.errors import HubpubError
from publisher.hub.port import Add, Hub
from publisher.hub.remote import RemoteHub
from publisher.manifest.lock import Lock, LockedArtifact, write_lock
from publisher.manifest.project import Project
from publisher.pipeline.promote import find_promotion, promote_waiting
from publisher.pipeline.release import Release
from publisher.records.artifacts import Kind, RepoRef
from publisher.records.receipts import ProofLevel, Receipt
from publisher.release.verify import verify
from publisher.release.waiting import Waiting
from publisher.staging.server import EmbeddedHub

KINDS: tuple[Kind, ...] = ("dataset", "adapter")
PROOF = "hubpub/v1.0.0/run"
# commit, tag, visibility of one; the collection; branch and proof go
PROMOTION_WRITES = 2 * 2 + 1 + 1 + 2 * 2

MANIFEST = """
manifest: 1
owner: {owner}
base: {{model: someone/base}}
adapter: out
dataset: {{folder: data}}
artifacts:
  dataset: {{repo: {owner}/demo-dataset}}
  adapter: {{repo: {owner}/demo-adapter, visibility: {adapter}}}
collection: Aerial
"""


@dataclass(frozen=True)
class Machine:
    """A checkout with a manifest and a lock, and no artifact anywhere."""

    root: Path

    @property
    def release(self) -> Release:
        """As the command opens it."""
        return Release.open(Project(self.root), "demo")

    def find(self, hub: Hub) -> Waiting:
        """What can be promoted."""
        return find_promotion(self.release, hub)

    def promote(self, hub: Hub) -> Receipt | None:
        """`hubpub promote demo`; None where there is nothing to promote."""
        waiting = self.find(hub)
        return promote_waiting(self.release, hub, waiting) if waiting.repos else None

    @property
    def lock(self) -> Any:
        """The lock, as it is committed."""
        return json.loads((self.root / "model_cards" / "demo" / "release.lock.json").read_text())

    def receipt(self, label: str = "1.0.0") -> Any:
        """The receipt that was kept here."""
        return json.loads(
            (self.root / ".hubpub" / "demo" / "hubs" / "local" / "receipts" / f"{label}.json").read_text()
        )


NewMachine = Callable[[Family], Machine]


@pytest.fixture
def machine(tmp_path: Path) -> NewMachine:
    """Another checkout of the same commit, as often as asked."""
    made: list[Machine] = []

    def make(family: Family) -> Machine:
        made.append(Machine(tmp_path / f"machine-{len(made)}"))
        folder = made[-1].root / "model_cards" / "demo"
        folder.mkdir(parents=True)
        public = "public" if "adapter" in family.public else "private"
        (folder / "release.yaml").write_text(MANIFEST.format(owner=family.owner, adapter=public))
        locked = {p.kind: LockedArtifact(p.ref.repo_id, p.contents, p.card) for p in family.packages()}
        write_lock(folder / "release.lock.json", Lock(name="demo", artifacts=locked))
        return made[-1]

    return make


@pytest.fixture
def staged(make_family: Callable[..., Family], hub: RemoteHub) -> Family:
    """Two repos after `hubpub release --until verify`."""
    family = make_family(KINDS, public=("adapter",), collection="Aerial")
    until_verify(family, hub)
    return family


def until_verify(family: Family, hub: Hub, *, asked: str | None = None) -> None:
    plan = family.plan(hub, asked=asked)
    family.verify(hub, plan, family.stage(hub, plan))


def git(embedded: EmbeddedHub, repo_id: str, *arguments: str) -> str:
    (folder,) = (embedded._data / "repos").glob(f"*--{repo_id.replace('/', '--')}--*.git")
    done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=True)
    return done.stdout


@pytest.fixture(scope="module")
def undisturbed(hub: RemoteHub, tmp_path_factory: pytest.TempPathFactory) -> list[object]:
    """What the same release looks like that went through in one go."""
    family = Family(tmp_path_factory.mktemp("calm"), "calmer", KINDS, ("adapter",), "Aerial")
    family.release(hub)
    return [look(hub, family.ref(kind)) for kind in KINDS]


def test_what_is_proven_says_so_on_the_hub(hub: RemoteHub, staged: Family, embedded: EmbeddedHub) -> None:
    """Any machine must see which commit was proven, and how far; `main` and the version's tag do not exist yet."""
    for kind in KINDS:
        ref = staged.ref(kind)
        state = hub.state(ref)
        assert state is not None

        assert {PROOF: state.branches["hubpub/v1.0.0"]} == state.tags
        assert "proof: run\nhubpub: demo 1.0.0 " in git(embedded, ref.repo_id, "cat-file", "tag", PROOF)


def test_another_machine_promotes_with_the_lock_and_the_hub_alone(
    hub: RemoteHub, staged: Family, machine: NewMachine, undisturbed: list[object], embedded: EmbeddedHub
) -> None:
    """The end is that of a release in one go: trees, one commit a repo, one tag, visibility, no stray ref."""
    there = machine(staged)
    receipt = there.promote(hub)
    commits = {staged.ref(kind).repo_id: hub.state(staged.ref(kind)).head for kind in KINDS}  # type: ignore[union-attr]

    assert undisturbed == [look(hub, staged.ref(kind)) for kind in KINDS]
    assert receipt is not None
    assert ("1.0.0", "run", commits) == (
        receipt.version,
        receipt.proof,
        {repo.repo_id: repo.commit for repo in receipt.repos},
    )
    assert {"version": "1.0.0", "commits": commits} == {
        key: there.lock["released"]["local"][key] for key in ("version", "commits")
    }
    assert [[[f.path, f.size, f.sha256] for f in package.files] for package in staged.packages()] == [
        [[f["path"], f["size"], f["sha256"]] for f in repo["files"]] for repo in there.receipt()["repos"]
    ]
    for kind in KINDS:
        message = git(embedded, staged.ref(kind).repo_id, "cat-file", "tag", "v1.0.0")
        assert "demo 1.0.0\n\nproof: run\nstaged: " in message


def test_after_a_separate_promotion_there_is_nothing_to_promote_and_nothing_to_release(
    hub: RemoteHub, staged: Family, machine: NewMachine
) -> None:
    """CI may run both on every push; a third machine, whose lock knows of no release, sees it as well."""
    machine(staged).promote(hub)
    watched = FailingHub(hub, at=0, fault=AssertionError())
    again = machine(staged).find(watched)  # type: ignore[arg-type]

    assert ("1.0.0", (), []) == (again.label, again.repos, watched.done)
    assert not staged.plan(hub).changes_anything


def test_the_writes_of_a_promotion_are_as_many_as_the_deaths_below(
    hub: RemoteHub, staged: Family, machine: NewMachine
) -> None:
    """Otherwise a new step would go untested."""
    watched = FailingHub(hub, at=0, fault=Killed())
    machine(staged).promote(watched)  # type: ignore[arg-type]

    assert PROMOTION_WRITES == len(watched.done)


@pytest.mark.parametrize("elsewhere", [False, True])
@pytest.mark.parametrize("at", range(1, PROMOTION_WRITES + 1))
def test_after_a_death_at_any_step_the_next_promotion_completes_it(
    hub: RemoteHub, staged: Family, machine: NewMachine, undisturbed: list[object], at: int, elsewhere: bool
) -> None:
    """Here or on a third machine: same trees, one commit, one tag, no stray ref, a receipt of what is on main."""
    first = machine(staged)
    with pytest.raises(Killed):
        first.promote(FailingHub(hub, at=at, fault=Killed()))  # type: ignore[arg-type]
    second = machine(staged) if elsewhere else first
    second.promote(hub)
    heads = [hub.state(staged.ref(kind)).head for kind in KINDS]  # type: ignore[union-attr]

    assert undisturbed == [look(hub, staged.ref(kind)) for kind in KINDS]
    assert not machine(staged).find(hub).repos
    if not (
        elsewhere and at == PROMOTION_WRITES
    ):  # dead after its last write: the other one finds nothing to do
        assert heads == [repo["commit"] for repo in second.receipt()["repos"]]
        assert heads == [
            second.lock["released"]["local"]["commits"][staged.ref(kind).repo_id] for kind in KINDS
        ]


@pytest.mark.parametrize("at", range(1, PROMOTION_WRITES))
def test_a_promotion_that_died_is_completed_by_a_release_as_well(
    hub: RemoteHub, staged: Family, machine: NewMachine, undisturbed: list[object], at: int
) -> None:
    """Whoever has the files need not know how far the other one came."""
    with pytest.raises(Killed):
        machine(staged).promote(FailingHub(hub, at=at, fault=Killed()))  # type: ignore[arg-type]
    staged.release(hub)

    assert undisturbed == [look(hub, staged.ref(kind)) for kind in KINDS]
    assert not staged.plan(hub).changes_anything


def test_a_commit_whose_answer_was_lost_is_found_by_its_trailer(
    hub: RemoteHub, staged: Family, machine: NewMachine
) -> None:
    """Promoted once, not twice."""
    flaky = FailingHub(hub, at=1, fault=lost_answer(), only=frozenset({"commit"}))
    machine(staged).promote(flaky)  # type: ignore[arg-type]

    assert [2, 2] == [len(look(hub, staged.ref(kind)).commits) for kind in KINDS]


def test_where_one_repo_is_promoted_already_only_the_rest_is_shown_and_done(
    hub: RemoteHub, staged: Family, machine: NewMachine
) -> None:
    """A death in between leaves a mix; what gets confirmed is what is left."""
    with pytest.raises(Killed):
        machine(staged).promote(FailingHub(hub, at=2, fault=Killed()))  # type: ignore[arg-type]
    left = machine(staged).find(hub)

    assert [
        ("dataset", (), False, False),
        ("adapter", ("README.md", "adapter_config.json", "adapter_model.safetensors"), True, True),
    ] == [(r.candidate.kind, r.written, r.tag, r.visibility) for r in left.repos]


@pytest.mark.parametrize("kind", KINDS)
def test_a_push_after_the_proof_is_a_conflict_and_no_repo_is_promoted(
    hub: RemoteHub, staged: Family, machine: NewMachine, kind: Kind
) -> None:
    """What somebody pushed since was proven by nobody; `hubpub release` stages anew, upon it."""
    theirs = push(hub, staged.ref(kind), ("theirs.txt", b"theirs"))
    with pytest.raises(HubpubError) as caught:
        machine(staged).promote(hub)

    assert ("HP-H05", theirs) == (caught.value.code, caught.value.data["found"])
    assert "hubpub release" in caught.value.hint
    assert [[PROOF], [PROOF]] == [list(look(hub, staged.ref(k)).tags) for k in KINDS]
    assert [2 if k == kind else 1 for k in KINDS] == [len(look(hub, staged.ref(k)).commits) for k in KINDS]
    staged.release(hub)
    assert (b"theirs", ["v1.0.0"]) == (
        read(hub, staged.ref(kind), "theirs.txt"),
        list(look(hub, staged.ref(kind)).tags),
    )


def test_a_push_between_looking_and_promoting_is_a_conflict_too(
    hub: RemoteHub, staged: Family, machine: NewMachine
) -> None:
    """Somebody thinks about the question for an hour; the last repo is looked at before the first one changes."""
    there = machine(staged)
    waiting = there.find(hub)
    push(hub, staged.ref("adapter"), ("theirs.txt", b"theirs"))
    with pytest.raises(HubpubError) as caught:
        promote_waiting(there.release, hub, waiting)

    assert "HP-H05" == caught.value.code
    assert [1, 2] == [len(look(hub, staged.ref(kind)).commits) for kind in KINDS]


def test_a_repo_that_was_renamed_since_is_told_by_both_names(
    hub: RemoteHub, staged: Family, machine: NewMachine
) -> None:
    """The old id leads to the new one, so everything would seem well, and the receipt name what is not there."""
    ref = staged.ref("adapter")
    hub.move(ref, RepoRef(f"{staged.owner}/elsewhere"))
    with pytest.raises(HubpubError) as caught:
        machine(staged).promote(hub)

    assert ("HP-H05", ref.repo_id, f"{staged.owner}/elsewhere") == (
        caught.value.code,
        caught.value.data["planned"],
        caught.value.data["found"],
    )
    assert [1, 1] == [len(look(hub, staged.ref(kind)).commits) for kind in KINDS]


@pytest.mark.parametrize("how", ["no tag", "tag elsewhere", "branch moved"])
def test_what_is_staged_without_a_proof_of_that_very_commit_is_not_promoted(
    hub: RemoteHub, staged: Family, machine: NewMachine, how: str
) -> None:
    """The hint is the command that proves it; nothing has changed."""
    ref = staged.ref("adapter")
    state = hub.state(ref)
    assert state is not None
    commit = state.branches["hubpub/v1.0.0"]
    if how == "branch moved":
        meddled = [Add("adapter_config.json", b'{"r": 9}')]
        hub.commit(ref, "hubpub/v1.0.0", meddled, title="Meddle", body="", parent=commit)
    else:
        hub.delete_tag(ref, PROOF)
    if how == "tag elsewhere":
        hub.create_tag(ref, PROOF, at=str(state.head), message="")
    with pytest.raises(HubpubError) as caught:
        machine(staged).promote(hub)

    assert ("HP-R02", 2) == (caught.value.code, caught.value.exit_code)
    assert f"demo 1.0.0 is not proven in {ref.repo_id}" == caught.value.what
    assert "hubpub release demo --until verify" == caught.value.hint
    assert [1, 1] == [len(look(hub, staged.ref(kind)).commits) for kind in KINDS]


@pytest.mark.parametrize("made", [False, True])
def test_where_nothing_is_staged_there_is_nothing_to_promote(
    hub: RemoteHub, make_family: Callable[..., Family], machine: NewMachine, made: bool
) -> None:
    """Neither before the first release, nor in repos that somebody made by hand."""
    family = make_family(KINDS)
    for kind in KINDS if made else ():
        hub.create(family.ref(kind), private=True)
    with pytest.raises(HubpubError) as caught:
        machine(family).promote(hub)

    assert ("HP-R02", "hubpub release demo --until verify") == (caught.value.code, caught.value.hint)


def test_what_the_lock_does_not_hold_is_not_promoted(
    hub: RemoteHub, staged: Family, machine: NewMachine
) -> None:
    """A checkout of last month would write into its lock that it released what it does not have."""
    staged.write("adapter", "adapter_model.safetensors", b"O" * 2000)
    old = machine(staged)
    with pytest.raises(HubpubError) as caught:
        old.promote(hub)

    assert (
        "HP-R02",
        f"what waits as 1.0.0 of {staged.ref('adapter').repo_id} is not what the lock holds",
    ) == (
        caught.value.code,
        caught.value.what,
    )
    assert {} == old.lock["released"]


def test_a_lock_of_other_artifacts_stops_it_before_the_hub_is_asked(
    hub: RemoteHub, staged: Family, make_family: Callable[..., Family], machine: NewMachine
) -> None:
    """The list of artifacts has changed since: some repo would be left out, or be promoted unproven."""
    there = machine(staged)
    write_lock(there.root / "model_cards" / "demo" / "release.lock.json", Lock(name="demo"))
    with pytest.raises(HubpubError) as caught:
        there.promote(hub)

    assert ("HP-R02", "hubpub release demo --until verify") == (
        caught.value.code,
        caught.value.hint.split("or: ")[1],
    )


def test_the_next_version_deletes_what_went_and_tags_what_stayed(
    hub: RemoteHub, staged: Family, machine: NewMachine
) -> None:
    """What to do is read from the trees; a repo without changes waits as a proof at its main, without a branch."""
    staged.write("adapter", "NOTICE", b"once")
    staged.release(hub)
    staged.write("adapter", "NOTICE", None)
    staged.write("adapter", "adapter_config.json", b'{"r": 8}')
    until_verify(staged, hub, asked="1.1.0")
    before = look(hub, staged.ref("dataset"))
    waiting = machine(staged).find(hub)
    machine(staged).promote(hub)
    dataset, adapter = (look(hub, staged.ref(kind)) for kind in KINDS)

    assert [((), (), True), (("adapter_config.json",), ("NOTICE",), True)] == [
        (repo.written, repo.deleted, repo.tag) for repo in waiting.repos
    ]
    assert ("main",) == before.branches
    assert (before.commits, ["v1.0.0", "v1.1.0"]) == (dataset.commits, sorted(dataset.tags))
    assert adapter.files == adapter.tags["v1.1.0"]
    assert "NOTICE" in adapter.tags["v1.0.0"].keys() - adapter.files.keys()


def test_a_card_revision_is_promoted_under_its_number_and_the_tag_stays(
    hub: RemoteHub, staged: Family, machine: NewMachine
) -> None:
    """Only one repo changes; the other one is unchanged and part of the receipt."""
    staged.release(hub)
    tags = look(hub, staged.ref("adapter")).tags
    staged.write("adapter", "README.md", CARD.format("better").encode())
    until_verify(staged, hub)
    there = machine(staged)
    receipt = there.promote(hub)
    adapter = look(hub, staged.ref("adapter"))

    assert receipt is not None
    assert ("1.0.0+card.1", [None, "run"]) == (receipt.version, [repo.proof for repo in receipt.repos])
    assert ("demo 1.0.0+card.1: adapter", tags) == (adapter.commits[0], adapter.tags)
    assert "1.0.0+card.1" == there.lock["released"]["local"]["version"]


def test_an_older_version_that_was_staged_and_passed_over_does_not_wait_any_more(
    hub: RemoteHub, staged: Family, machine: NewMachine
) -> None:
    """Its main has moved on: neither is it promoted over the newer one, nor does it stand in the way."""
    staged.release(hub, asked="1.1.0")
    found = machine(staged).find(hub)

    assert ("1.1.0", ()) == (found.label, found.repos)


@pytest.mark.parametrize("level", ["static", "load"])
def test_the_level_that_was_proven_is_the_one_that_is_told(
    hub: RemoteHub,
    make_family: Callable[..., Family],
    machine: NewMachine,
    embedded: EmbeddedHub,
    level: ProofLevel,
) -> None:
    """The machine that promotes has proven nothing, and may not claim more than the tag does."""
    family = make_family(KINDS)
    plan = family.plan(hub)
    verify(
        hub, plan, family.packages(), family.stage(hub, plan), family.journal,
        level=level, prove=lambda package: {}, proof_key=lambda package: package.digest,
    )  # fmt: skip
    receipt = machine(family).promote(hub)
    message = git(embedded, family.ref("adapter").repo_id, "cat-file", "tag", "v1.0.0")

    assert receipt is not None
    assert (level, [level, level]) == (receipt.proof, [repo.proof for repo in receipt.repos])
    assert f"proof: {level}\n" in message


def on_another_machine(family: Family, hub: RemoteHub) -> list[str]:
    """The kinds that are loaded and run where the same files lie and no journal does."""
    family.journal.file.unlink(missing_ok=True)
    family.proofs.clear()
    until_verify(family, hub)
    return list(family.proofs)


def test_what_another_machine_has_proven_is_compared_and_not_run_again(
    hub: RemoteHub, staged: Family
) -> None:
    """The tag stands at that very commit, which was staged for that very outcome; the bytes are looked at all the same."""
    assert [] == on_another_machine(staged, hub)
    for kind in KINDS:
        hub.delete_tag(staged.ref(kind), PROOF)
    assert ["dataset", "adapter"] == on_another_machine(staged, hub)


def test_a_proof_of_another_level_does_not_count_and_a_new_outcome_moves_the_tag(
    hub: RemoteHub, staged: Family
) -> None:
    """One label has one proof a repo, at the commit that is staged now."""
    ref = staged.ref("adapter")
    first = hub.state(ref)
    assert first is not None
    hub.delete_tag(ref, PROOF)
    hub.create_tag(ref, "hubpub/v1.0.0/static", at=first.branches["hubpub/v1.0.0"], message="")
    again = on_another_machine(staged, hub)
    staged.write("adapter", "adapter_config.json", b'{"r": 8}')
    anew = on_another_machine(staged, hub)
    state = hub.state(ref)
    assert state is not None

    assert (["adapter"], ["dataset", "adapter"]) == (again, anew)
    assert {PROOF: state.branches["hubpub/v1.0.0"]} == state.tags
    assert first.branches["hubpub/v1.0.0"] != state.branches["hubpub/v1.0.0"]


def test_a_file_that_was_staged_and_is_not_wanted_any_more_is_staged_no_more(
    hub: RemoteHub, staged: Family, machine: NewMachine
) -> None:
    """Promotion brings everything that the proven commit holds, so that must be the outcome and nothing else."""
    staged.write("adapter", "notes.txt", b"draft")
    until_verify(staged, hub)
    staged.write("adapter", "notes.txt", None)
    until_verify(staged, hub)
    machine(staged).promote(hub)

    assert "notes.txt" not in look(hub, staged.ref("adapter")).files
