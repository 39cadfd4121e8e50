"""Edits made on the Hub come home into the prose files, or are shown with both sides."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from demo_facts import DEMO, write_demo

from publisher.card.readme import parse
from publisher.hub.port import Add
from publisher.hub.remote import RemoteHub
from publisher.manifest.project import Project
from publisher.pipeline.look import plan_locked, rendered_from_lock
from publisher.pipeline.pull import Pulled, pull
from publisher.pipeline.release import Release
from publisher.records.artifacts import README, RENDERING, Kind
from publisher.records.plans import Step
from publisher.staging.server import EmbeddedHub

NAME = DEMO.name
LIMIT = "- The scenes are synthetic."
LIMITS = f"{LIMIT}\n- The tuning is short.\n"
_numbers = itertools.count(1)


@dataclass
class Published:
    """The demo as its lock has it, its cards on a Hub and nothing else."""

    root: Path
    hub: RemoteHub

    @property
    def release(self) -> Release:
        """As it lies there now."""
        return Release.open(Project(self.root), NAME)

    def publish(self) -> None:
        """Two cards as they are rendered now, in commits of ours."""
        rendered, refs = rendered_from_lock(self.release), self.release.identity.refs
        kinds: tuple[Kind, ...] = ("adapter", "merged")
        for kind in kinds:
            self.hub.create(refs[kind], private=True)
            self._commit(kind, rendered[kind].text, f"hubpub: {NAME} 1.0.0 {'0' * 16}")

    def edit(self, kind: Kind, *changes: tuple[str, str]) -> None:
        """Someone edits a README on the website."""
        ref = self.release.identity.refs[kind]
        text = b"".join(self.hub.read(ref, "main", README)).decode()
        for old, new in changes:
            assert 1 == text.count(old), old
            text = text.replace(old, new)
        self._commit(kind, text, "")

    def _commit(self, kind: Kind, text: str, body: str) -> None:
        ref = self.release.identity.refs[kind]
        state = self.hub.state(ref)
        assert state is not None
        operations = [Add(README, text.encode())]
        self.hub.commit(ref, "main", operations, title="A card", body=body, parent=str(state.head))

    def pull(self) -> Pulled:
        """`hubpub pull`, in this process."""
        return pull(self.release, self.hub)

    def prose(self, name: str) -> str:
        """A prose file."""
        return (self.root / "model_cards" / NAME / name).read_text(encoding="utf-8")

    def readme_steps(self) -> dict[str, Step]:
        """What the plan says of each repo's README, by artifact."""
        plan = plan_locked(self.release, self.hub, None)
        return {r.artifact: s for r in plan.repos for s in r.operations if s.path == README}


@pytest.fixture
def published(tmp_path: Path, alice: RemoteHub) -> Published:
    """The demo, its cards published, its repos named after this test."""
    own = f"alice/pull{next(_numbers)}-"

    def renamed(manifest: str) -> str:
        return manifest.replace("owner: hubpub-demo", "owner: alice").replace(
            "repo: hubpub-demo/", f"repo: {own}"
        )

    folder = write_demo(tmp_path, renamed)
    (folder / "limitations.md").write_text(LIMITS, encoding="utf-8")
    (folder / "cards").mkdir()
    room = Published(tmp_path, alice)
    for kind, card in rendered_from_lock(room.release).items():
        room.release.paths.card(kind).write_text(card.text, encoding="utf-8")
    room.publish()
    return room


def first_line(text: str, start: str) -> str:
    """The first line that begins so."""
    return next(line for line in text.split("\n") if line.startswith(start))


def test_without_edits_there_is_nothing_to_pull(published: Published) -> None:
    """And nothing is written."""
    assert Pulled() == published.pull()


def test_an_edit_in_one_card_comes_into_the_prose_that_all_cards_share(published: Published) -> None:
    """Afterwards every card says it, and the plan knows of no edit any more."""
    before = published.prose("limitations.md")
    published.edit("adapter", (LIMIT, f"{LIMIT} Truly."))
    kept = published.readme_steps()["adapter"]
    pulled = published.pull()
    after = rendered_from_lock(published.release)

    assert ("limitations.md", True) == (kept.edits[0].path, kept.edits[0].kept)
    assert [("limitations.md", (published.release.identity.refs["adapter"].repo_id,))] == [
        (one.path, one.repos) for one in pulled.written
    ]
    assert before.replace(LIMIT, f"{LIMIT} Truly.") == published.prose("limitations.md")
    assert all(f"{LIMIT} Truly." in after[kind].text for kind in ("adapter", "merged", "nf4"))
    for kind, card in after.items():
        published.release.paths.card(kind).write_text(card.text, encoding="utf-8")
    steps = published.readme_steps()
    assert ("unchanged", ()) == (steps["adapter"].op, steps["adapter"].edits)
    assert ("upload", ()) == (steps["merged"].op, steps["merged"].edits)
    assert Pulled() == published.pull()


def test_what_is_no_prose_stays_on_the_hub_and_is_listed(published: Published) -> None:
    """A section of theirs, a reworded heading, another licence: none belongs into a prose file."""
    published.edit(
        "adapter",
        ("## Limitations", "## Questions\n\nWhy?\n\n## Limitations"),
        ("license: apache-2.0", "license: mit"),
    )
    pulled = published.pull()

    assert ((), ()) == (pulled.written, pulled.unwritten)
    assert {("front matter: license", False), ("## Questions", True)} == {
        (left.edit.place, left.edit.kept) for left in pulled.left
    }


def test_the_same_prose_edited_differently_in_two_repos_is_written_by_nobody(published: Published) -> None:
    """Which one is right, only the author knows; both are shown."""
    before = published.prose("limitations.md")
    published.edit("adapter", (LIMIT, f"{LIMIT} Truly."))
    published.edit("merged", (LIMIT, f"{LIMIT} Hardly."))
    pulled = published.pull()

    assert before == published.prose("limitations.md")
    assert ["it was edited differently in two repos"] * 2 == [each.why for each in pulled.unwritten]
    assert ["Truly.", "Hardly."] == [
        next(word for word in ("Truly.", "Hardly.") if word in each.theirs) for each in pulled.unwritten
    ]


def test_the_same_edit_in_two_repos_is_written_once(published: Published) -> None:
    """They agree."""
    published.edit("adapter", (LIMIT, f"{LIMIT} Truly."))
    published.edit("merged", (LIMIT, f"{LIMIT} Truly."))

    assert [2] == [len(one.repos) for one in published.pull().written]


def test_a_line_that_prints_a_fact_is_not_written(published: Published) -> None:
    """The prose holds a template there; taken over as text, the number would never be true again."""
    prose = published.root / "model_cards" / NAME / "limitations.md"
    prose.write_text("- It saw {{ train.examples_seen }}, a few.\n- It is slow.\n", encoding="utf-8")
    for kind, card in rendered_from_lock(published.release).items():
        published.release.paths.card(kind).write_text(card.text, encoding="utf-8")
    published.publish()
    published.edit("adapter", (", a few.", ", which is few."))
    pulled = published.pull()
    (each,) = pulled.unwritten

    assert "{{ train.examples_seen }}, a few." in published.prose("limitations.md")
    assert (", a few." in each.ours, ", which is few." in each.theirs) == (True, True)
    published.edit("adapter", (", which is few.", ", a few."), ("- It is slow.", "- It is very slow."))
    assert ["limitations.md"] == [one.path for one in published.pull().written]
    assert "- It saw {{ train.examples_seen }}, a few.\n- It is very slow.\n" == published.prose(
        "limitations.md"
    )


def test_prose_keeps_its_line_ends_and_its_own_heading(published: Published) -> None:
    """Only what was edited changes in the author's file."""
    prose = published.root / "model_cards" / NAME / "out_of_scope.md"
    prose.write_bytes(b"# Out of scope\r\n\r\nFlying.\r\nDriving.\r\n")
    published.publish()
    published.edit("adapter", ("Driving.", "Driving.\nSailing."))
    published.pull()

    assert b"# Out of scope\r\n\r\nFlying.\r\nDriving.\r\nSailing.\r\n" == prose.read_bytes()


def test_prose_that_changed_here_as_well_is_left_to_its_author(published: Published) -> None:
    """Ours stands in the next card, and both sides are shown now."""
    scope = published.prose("out_of_scope.md")
    old = first_line(scope, scope.split()[0])
    published.edit("adapter", (old, f"{old} Theirs."))
    prose = published.root / "model_cards" / NAME / "out_of_scope.md"
    prose.write_text(scope.replace(old, f"{old} Ours."), encoding="utf-8")
    pulled = published.pull()
    (left,) = pulled.left

    assert () == pulled.written
    assert (False, "changed on both sides") == (left.edit.kept, left.edit.why)
    assert ("Ours." in left.edit.ours, "Theirs." in left.edit.theirs) == (True, True)


def test_the_plan_tells_what_becomes_of_edits(published: Published) -> None:
    """From the lock and the committed card alone; a fact is defended as in a release."""
    stated = first_line(parse(published.release.paths.card("adapter").read_text()).body, "| LoRA alpha |")
    published.edit("adapter", (stated, "| LoRA alpha | 999 |"), (LIMIT, f"{LIMIT} Truly."))
    plan = plan_locked(published.release, published.hub, None)
    step = published.readme_steps()["adapter"]

    assert ("upload", "kept 1 edit made on the Hub, 1 overridden") == (step.op, step.note)
    assert {("states a fact", False), ("prose", True)} == {(edit.why, edit.kept) for edit in step.edits}
    assert RENDERING in {s.path for s in plan.repo("adapter").changes}


def test_the_command_says_which_files_it_wrote(published: Published, served: EmbeddedHub) -> None:
    """In words and as JSON; without edits it ends well, too."""
    published.edit("adapter", (LIMIT, f"{LIMIT} Truly."), ("license: apache-2.0", "license: mit"))

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [Path(sys.executable).with_name("hubpub"), *arguments, "--hub", served.url]
        environment = {**os.environ, "HF_TOKEN": "hf_alice", "NO_COLOR": "1"}
        return subprocess.run(command, cwd=published.root, env=environment, capture_output=True, text=True)

    plan = run("plan", NAME)
    first, second = run("pull", NAME), run("pull", NAME, "--format", "json")
    document = json.loads(second.stdout)

    assert "~ README.md: kept 1 edit made on the Hub, 1 overridden" in plan.stdout
    assert (0, 0) == (first.returncode, second.returncode), first.stderr + second.stderr
    assert f"model_cards/{NAME}/limitations.md: edits of" in first.stdout
    assert "theirs: mit" in first.stdout
    assert ("hubpub/pull/1", [], []) == (document["schema"], document["written"], document["unwritten"])
    assert ["front matter: license"] == [left["place"] for left in document["left"]]
