"""How far a release is proven: what was asked for is what is done, and what every page of it says."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from release_room import Ran, Room
from tiny_rooms import NAME, write_project

NO_TORCH = "import sys; sys.modules.update(dict.fromkeys({heavy!r}))"
HEAVY = ("torch", "transformers", "peft", "bitsandbytes", "safetensors", "numpy", "datasets", "accelerate")


@pytest.fixture
def room(tmp_path: Path) -> Room:
    """An adapter on a base folder; nothing of it was made with torch."""
    write_project(tmp_path, ("adapter",))
    return Room(tmp_path, NAME)


def _static(room: Room, *more: str) -> Ran:
    return room.release("--proof", "static", *more)


def test_a_static_release_starts_no_engine_and_says_so_everywhere(room: Room) -> None:
    """Whoever reads the card, the tag or the receipt must not take compared bytes for a model that ran."""
    ran = _static(room)
    card = room.artifact("adapter")["README.md"].decode()
    receipt = room.document("hubs/local/receipts/1.0.0.json")
    git = ["git", "-C", str(next((room.root / ".hubpub/_hub/repos").glob("*tiny-lora*"))), "cat-file", "tag"]
    tag = subprocess.run([*git, "v1.0.0"], capture_output=True, text=True, check=True).stdout

    assert 0 == ran.code, ran.err
    assert {} == room.children()
    assert "1 neither loaded nor run, as --proof static or the manifest asks" in ran.out
    assert "They were not loaded" in card
    assert "level of proof: `static`" in card
    assert "verified" not in (card + tag + ran.out + ran.err).lower()
    assert "proof: static" in tag
    assert ("static", ["static"]) == (receipt["proof"], [repo["proof"] for repo in receipt["repos"]])


def test_a_static_release_needs_none_of_the_heavy_packages(room: Room) -> None:
    """`pip install hubpub` is enough for whoever only publishes files that lie here."""
    start = f"{NO_TORCH.format(heavy=HEAVY)}; sys.argv = {['hubpub', 'release', NAME, '--hub', 'local', '--yes']!r}"
    # a module that is None cannot be imported, nor found; as if it were not installed
    code = f"{start} + ['--proof', 'static']\nfrom publisher.cli.app import main\nmain()"
    ran = subprocess.run([sys.executable, "-c", code], cwd=room.root, capture_output=True, text=True)

    assert 0 == ran.returncode, ran.stderr
    assert "Released tiny 1.0.0" in ran.stdout


def test_a_static_release_takes_seconds(room: Room) -> None:
    """Measured as work, so that a busy machine does not matter: 1.4 and 1.0 s on an idle one."""
    worked = []
    for _ in range(2):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert 0 == _static(room).code
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        worked.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)

    assert (True, True) == (worked[0] < 4, worked[1] < 3), worked


def test_a_level_that_does_not_exist_is_refused(room: Room) -> None:
    ran = room.release("--proof", "some")

    assert (2, ["HP-M09"]) == (ran.code, ran.errors)


def test_the_manifest_sets_the_level_of_one_artifact(tmp_path: Path) -> None:
    """What cannot run here is no reason to run nothing."""
    write_project(tmp_path, ("base", "adapter"))
    room = Room(tmp_path, NAME)
    room.edit("adapter: {}", "adapter: {proof: static}")
    ran = room.run("release", NAME, "--until", "resolve", "--hub", "local")
    room.edit("base: {repo: acme/tiny-base}", "base: {repo: acme/tiny-base, proof: static}")
    both = room.release()

    assert 0 == ran.code, ran.err
    assert 0 == both.code, both.err
    assert {} == room.children()
    assert "neither loaded nor run" in both.out


def test_another_card_of_a_static_release_stays_static(room: Room) -> None:
    """A card revision is compared as the version was."""
    assert 0 == _static(room).code
    (room.cards / "limitations.md").write_text("Nobody has asked it anything.\n")
    ran = _static(room)

    assert 0 == ran.code, ran.err
    assert "Released tiny 1.0.0+card.1" in ran.out
    assert "static" == room.document("hubs/local/receipts/1.0.0+card.1.json")["proof"]


@pytest.mark.models
@pytest.mark.long
def test_a_release_that_ran_is_not_taken_back_by_asking_for_less(adopted: Room) -> None:
    """The facts of a run stand until something changes, whatever the next command asks for."""
    before = adopted.published()
    ran = _static(adopted)
    (adopted.cards / "limitations.md").write_text("It was trained on twelve sums and subtracts worse.\n")
    children = adopted.children()
    revised = _static(adopted)
    receipt = adopted.document("hubs/local/receipts/1.0.0+card.1.json")

    assert "nothing to do" in ran.out, ran.err
    assert before.keys() == adopted.published().keys()
    assert 0 == revised.code, revised.err
    assert children == adopted.children()
    assert "level of proof" not in adopted.artifact("adapter")["README.md"].decode()
    assert "run" == receipt["proof"], "the same weights and code were run for the version itself"


@pytest.mark.models
@pytest.mark.long
def test_loading_alone_asks_nothing_and_runs_no_code(fresh_adopted: Room) -> None:
    """For models that load here and are too slow to answer here."""
    fresh_adopted.edit("artifacts: [base, dataset, adapter]", "artifacts: [base]")
    fresh_adopted.edit("adapter: inputs/adapter\n", "")
    fresh_adopted.edit("min_tokens: 1", "contains: forty-two")
    ran = fresh_adopted.release("--proof", "load")
    card = fresh_adopted.artifact("base")["README.md"].decode()
    facts = {fact["id"]: fact["value"] for fact in fresh_adopted.lock()["facts"]}

    assert 0 == ran.code, ran.err
    assert "1 loaded" in ran.out
    assert "level of proof: `load`" in card
    assert "The model was not asked anything, and the code of this card was not run" in card
    assert ("load", True) == (facts["validate.proof.base"], facts["validate.base.loads_clean"])
    asked = ("smoke", "validate.base.finite_logits", "validate.base.in_4bit")
    assert not [fact_id for fact_id in facts if any(part in fact_id for part in asked)]
    assert "validate.base.finite" not in facts
    assert "load" == fresh_adopted.document("hubs/local/receipts/1.0.0.json")["proof"]


@pytest.mark.models
@pytest.mark.long
def test_a_full_verification_loads_what_came_back(fresh_adopted: Room) -> None:
    """The download itself is run; it is gone afterwards, and it is what the card's code was pointed at."""
    fresh_adopted.edit("artifacts: [base, dataset, adapter]", "artifacts: [base]")
    fresh_adopted.edit("adapter: inputs/adapter\n", "")
    validated = fresh_adopted.release("--until", "check")
    spy = fresh_adopted.root / "templates" / "partials" / "usage_base.md.j2"
    spy.parent.mkdir(parents=True)
    spy.write_text(
        '## Usage\n\n```python\nimport pathlib\n\nfolder = pathlib.Path("{{ card.repo_id }}")\n'
        "assert folder.parent.name == 'verify', folder\nassert (folder / 'model.safetensors').is_file()\n```\n"
    )
    auto = fresh_adopted.release()
    full = fresh_adopted.release("--verify", "full")

    assert 0 == validated.code, validated.err
    assert (1, ["HP-E08"]) == (auto.code, auto.errors)
    assert 0 == full.code, full.err
    assert not list((fresh_adopted.workspace / "scratch" / "verify").iterdir())


def test_the_facts_of_a_lower_level_are_in_the_evidence(room: Room) -> None:
    """The card's words come from a fact, and so does `hubpub card --explain`."""
    assert 0 == _static(room).code
    published = json.loads(room.artifact("adapter")["evidence/facts.json"])
    facts = {fact["id"]: fact["value"] for fact in published["facts"]}

    assert "static" == facts["validate.proof.adapter"]
