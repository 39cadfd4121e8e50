"""Two versions of a release by way of the pipeline: what changed stands in card, tag and lock, and an older repo is told."""

from __future__ import annotations

import json
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from publisher.errors import HubpubError
from publisher.hub.port import Add
from publisher.hub.remote import RemoteHub
from publisher.manifest.project import Project
from publisher.pipeline.look import plan_locked, rendered_from_lock, stage_states
from publisher.pipeline.norms import norms_since
from publisher.pipeline.promote import find_promotion, promote_waiting
from publisher.pipeline.release import Release, run_release
from publisher.pipeline.run import Results
from publisher.pipeline.services import Wishes
from publisher.records.artifacts import RepoRef
from publisher.records.facts import Facts
from publisher.staging.server import EmbeddedHub

MANIFEST = """
manifest: 1
owner: alice
licence: mit
base: {folder: base}
artifacts: {base: {repo: alice/REPO, proof: static}}
card: {limitations: limits.md}
"""


def weights(**tensors: float) -> bytes:
    """A safetensors file of one-element tensors."""
    header = {
        name: {"dtype": "F32", "shape": [1], "data_offsets": [4 * n, 4 * n + 4]}
        for n, name in enumerate(tensors)
    }
    raw = json.dumps(header).encode()
    return len(raw).to_bytes(8, "little") + raw + struct.pack(f"<{len(tensors)}f", *tensors.values())


@dataclass(frozen=True)
class Room:
    """One project and the Hub that it is released on."""

    project: Project
    hub: RemoteHub
    listener: Any
    repo: str

    @property
    def folder(self) -> Path:
        return self.project.cards / "tiny"

    @property
    def ref(self) -> RepoRef:
        return RepoRef(f"alice/{self.repo}")

    @property
    def opened(self) -> Release:
        return Release.open(self.project, "tiny")

    def write(self, *, layers: int = 1, more: str = "", **tensors: float) -> None:
        """The base as it lies here now."""
        (self.folder / "base").mkdir(parents=True, exist_ok=True)
        (self.folder / "base" / "model.safetensors").write_bytes(weights(**tensors))
        config = {"model_type": "llama", "architectures": ["LlamaForCausalLM"], "num_hidden_layers": layers}
        (self.folder / "base" / "config.json").write_text(json.dumps(config))
        (self.folder / "limits.md").write_text("It knows nothing.\n")
        (self.folder / "release.yaml").write_text(MANIFEST.replace("REPO", self.repo) + more)

    def release(self, version: str, *, until: str | None = None, message: str = "") -> Results:
        wishes = Wishes(version, yes=True, message=message)
        return run_release(self.opened, self.hub, self.hub, wishes, self.listener, until=until)

    def served(self, path: str, revision: str = "main", ref: RepoRef | None = None) -> str:
        return b"".join(self.hub.read(ref or self.ref, revision, path)).decode()

    def tag(self, embedded: EmbeddedHub, tag: str) -> str:
        (repo,) = (embedded._data / "repos").glob(f"*--alice--{self.repo}--*.git")
        git = ["git", "-C", str(repo), "for-each-ref", "--format=%(contents)", f"refs/tags/{tag}"]
        return subprocess.run(git, capture_output=True, text=True, check=True).stdout


@pytest.fixture
def room(tmp_path: Path, alice: RemoteHub, notes: Any, request: pytest.FixtureRequest) -> Room:
    found = Room(Project(tmp_path), alice, notes, f"base-{abs(hash(request.node.name)) % 10**8}")
    found.write(a=1.0, b=2.0)
    return found


@pytest.fixture
def old(room: Room) -> RepoRef:
    """What the release replaces."""
    ref = RepoRef(f"alice/old-{room.repo}")
    room.hub.create(ref, private=True)
    state = room.hub.state(ref)
    assert state is not None
    card = Add("README.md", b"---\nlicense: mit\n---\n# Old\n")
    room.hub.commit(ref, "main", [card], title="Card", body="", parent=str(state.head))
    return ref


def test_the_second_version_says_what_changed_and_the_first_says_nothing(
    room: Room, served: EmbeddedHub
) -> None:
    """From the bytes of the tensors to card, evidence, lock and tag, with nothing fetched but small files."""
    room.release("1.0.0")
    first = room.served("README.md")
    room.write(a=1.0, b=3.0, c=4.0, layers=2)
    room.release("1.1.0", message="A new head")
    card, tag = room.served("README.md"), room.tag(served, "v1.1.0")
    digests = json.loads(room.served("evidence/tensors.json"))
    lock = room.opened.lock
    assert lock is not None

    assert "## Changes" not in first
    assert "- Tensors: 1 changed, 1 added, 0 removed, of 3." in card
    assert "| `num_hidden_layers` | `1` | `2` |" in card
    assert "| `base.parameters` | 2 | 3 |" in card
    assert tag.startswith("A new head\n\ntiny 1.1.0\n\nChanges since v1.0.0:\ntensors: 1 changed, 1 added")
    assert ("hubpub/tensors/1", ["a", "b", "c"]) == (digests["schema"], list(digests["tensors"]))
    assert 1 == Facts(lock.facts).value("changes.base.tensors_changed")
    assert "evidence/changes.json" in {file.path for file in room.hub.tree(room.ref, "main")}


def test_the_same_version_again_has_the_same_card_and_nothing_to_do(room: Room) -> None:
    """Held against 1.0.0 for ever, also when 1.1.0 has its tag; in a new workspace, too."""
    room.release("1.0.0")
    room.write(a=1.0, b=3.0)
    room.release("1.1.0")
    card = room.served("README.md")
    again = room.release("1.1.0")
    skipped = room.listener.skips["card"]
    states = {state.name: state.runs for state in stage_states(room.opened, room.hub)}
    rendered = rendered_from_lock(room.opened)["base"].text
    workspace = room.opened.paths.workspace
    workspace.rename(workspace.with_name("elsewhere"))
    anew = room.release("1.1.0")

    plans = [plan for made in (again, anew) for kind, plan in made.made.items() if kind.__name__ == "Plan"]
    assert [False, False] == [plan.changes_anything for plan in plans]
    assert "unchanged" == skipped
    assert (False, False) == (states["tensors"], states["card"])
    assert card == rendered == room.served("README.md")


def test_without_evidence_no_digests_travel_and_changes_are_unknown(room: Room) -> None:
    """`evidence: none` is kept; the files themselves can be compared all the same."""
    room.write(a=1.0, more="evidence: none\n")
    room.release("1.0.0")
    room.write(a=2.0, more="evidence: none\n")
    room.release("1.1.0")
    card = room.served("README.md")

    assert not [f.path for f in room.hub.tree(room.ref, "main") if f.path.startswith("evidence/")]
    assert "no weights are released with evidence" == room.listener.skips["tensors"]
    assert "- Tensors: unknown, because one of the two versions carries no digests of them." in card
    assert "- Files changed: `model.safetensors`." in card


def test_an_older_repo_is_told_last_of_all_and_only_once(room: Room, old: RepoRef) -> None:
    """Its readers are sent on when there is something to be sent to."""
    room.write(a=1.0, more=f"supersedes: {old.repo_id}\n")
    room.release("1.0.0", until="verify")
    before = room.served("README.md", ref=old)
    room.release("1.0.0")
    again = room.release("1.0.0")
    titles = [commit.title for commit in room.hub.commits(old, "main")]
    journal = room.opened.paths.hub("hub.test") / "journal.jsonl"
    steps = [json.loads(line) for line in journal.read_text().splitlines()]
    done = [step["step"] for step in steps if step["event"] == "done"]

    assert "new_version" not in before
    assert f"---\nnew_version: {room.ref.repo_id}\nlicense: mit\n---\n# Old\n" == room.served(
        "README.md", ref=old
    )
    assert 1 == titles.count(f"new_version: {room.ref.repo_id}")
    assert done.index("supersede") > done.index("tag")
    assert not plan_locked(room.opened, room.hub, "1.0.0").changes_anything
    assert not [made for kind, made in again.made.items() if kind.__name__ == "Promoted" and made]


def test_a_release_that_is_whole_but_for_the_older_repo_does_only_that(room: Room, old: RepoRef) -> None:
    """As after a death between the two, or when `supersedes:` is written into the manifest later."""
    room.release("1.0.0")
    state = room.hub.state(room.ref)
    room.write(a=1.0, b=2.0, more=f"supersedes: {old.repo_id}\n")
    planned = plan_locked(room.opened, room.hub, "1.0.0")
    room.release("1.0.0")

    assert [(old, room.ref.repo_id)] == [(each.ref, each.new) for each in planned.superseded]
    assert f"new_version: {room.ref.repo_id}\n" in room.served("README.md", ref=old)
    assert state == room.hub.state(room.ref)


def test_promotion_as_a_step_of_its_own_writes_the_changelog_and_tells_the_older_repo(
    room: Room, old: RepoRef, served: EmbeddedHub
) -> None:
    """Days later, on another machine: the lock has what the tag says."""
    room.release("1.0.0")
    room.write(a=1.0, b=9.0, more=f"supersedes: {old.repo_id}\n")
    room.release("1.1.0", until="verify")
    room.opened.paths.workspace.rename(room.project.root / "elsewhere")
    promote_waiting(room.opened, room.hub, find_promotion(room.opened, room.hub))

    assert room.tag(served, "v1.1.0").startswith(
        "tiny 1.1.0\n\nChanges since v1.0.0:\ntensors: 1 changed, 0 added"
    )
    assert f"new_version: {room.ref.repo_id}\n" in room.served("README.md", ref=old)


def test_a_missing_right_on_the_older_repo_is_told_in_the_first_second(room: Room, bob: RemoteHub) -> None:
    """Nothing is made and nothing is sent for a release that could not be finished."""
    theirs = RepoRef(f"bob/{room.repo}")
    bob.create(theirs, private=False)
    room.write(a=1.0, more=f"supersedes: {theirs.repo_id}\nvisibility: public\n")
    with pytest.raises(HubpubError) as caught:
        room.release("1.0.0")

    assert "HP-H03" == caught.value.code
    assert ["preflight"] == room.listener.worked
    assert None is room.hub.state(room.ref)


def test_how_far_each_module_moved_since_a_version_is_read_from_the_hub(room: Room) -> None:
    """By range reads: the old weights are nowhere on this disk."""
    pytest.importorskip("numpy")
    room.release("1.0.0")
    room.write(a=1.0, b=3.0, c=4.0)
    room.release("1.1.0", until="validate")
    ((kind, found),) = norms_since(room.opened, room.hub, "1.0.0")

    assert "base" == kind
    assert [("a", 0.0, 1.0, 0.0), ("b", 1.0, 2.0, 0.5), ("c", None, None, None)] == [
        (each.module, each.change, each.before, each.relative) for each in found
    ]


def test_norms_against_a_version_that_was_never_released_are_refused(room: Room) -> None:
    """Nothing was compared, so nothing is printed that looks like it."""
    room.release("1.0.0")
    with pytest.raises(HubpubError) as caught:
        list(norms_since(room.opened, room.hub, "0.9.0"))

    assert "HP-R02" == caught.value.code
