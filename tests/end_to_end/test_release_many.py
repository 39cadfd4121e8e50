"""Several releases with one command, and releases that keep no files here."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from release_room import Ran, Room
from tiny_rooms import NAME, write_project

STATIC = ("--proof", "static")


@pytest.fixture
def room(tmp_path: Path) -> Room:
    """An adapter on a base folder; nothing of it was made with torch."""
    write_project(tmp_path, ("adapter",))
    return Room(tmp_path, NAME)


def _many(room: Room, which: str, *more: str) -> Ran:
    return room.run("release", which, "--hub", "local", "--yes", *STATIC, *more)


def _second(room: Room, name: str) -> Room:
    shutil.copytree(room.cards, room.root / "model_cards" / name)
    return Room(room.root, name)


def _states(ran: Ran) -> dict[str, str]:
    return {each["name"]: each["state"] for each in json.loads(ran.out)["releases"]}


def test_changed_releases_what_differs_and_nothing_else(room: Room) -> None:
    """A repository with forty manifests has one CI job."""
    _second(room, "other")
    first = _many(room, "--changed", "--format", "json")
    quiet = _many(room, "--changed", "--format", "json")
    (room.cards / "limitations.md").write_text("It knows nothing, and less on Mondays.\n")
    third = _many(room, "--changed", "--format", "json")

    assert (0, {"other": "released", "tiny": "released"}) == (first.code, _states(first)), first.err
    assert (0, {"other": "nothing to do", "tiny": "nothing to do"}) == (quiet.code, _states(quiet)), quiet.err
    assert [] == quiet.worked
    assert {"other": "nothing to do", "tiny": "released"} == _states(third)
    assert "the adapter card changed" in third.err


def test_one_release_that_fails_does_not_stop_the_others(room: Room) -> None:
    """They know nothing of each other; the exit code still says that something failed."""
    broken = _second(room, "broken")
    (broken.cards / "inputs" / "adapter" / "adapter_model.safetensors").write_bytes(b"no weights")
    ran = _many(room, "--all", "--format", "json")

    assert (1, {"broken": "failed", "tiny": "released"}) == (ran.code, _states(ran)), ran.err
    assert ["HP-W01"] == ran.errors


def test_a_release_is_named_or_all_are(room: Room) -> None:
    """Half a command line must not release everything."""
    assert [(2, ["HP-M09"])] * 2 == [
        (ran.code, ran.errors)
        for ran in (
            room.run("release", "--hub", "local"),
            room.run("release", NAME, "--all", "--hub", "local"),
        )
    ]


def test_what_is_not_kept_is_gone_after_its_release_and_comes_back_when_it_is_needed(room: Room) -> None:
    """A quantizer's disk holds one model; the Hub holds all of them."""
    room.edit("owner: acme", "owner: acme\nkeep: none")
    released = room.release(*STATIC)
    left = room.artifact("adapter") if (room.workspace / "artifacts" / "adapter").is_dir() else {}
    again = room.release(*STATIC)
    untouched = (room.workspace / "artifacts" / "adapter").exists()
    (room.cards / "limitations.md").write_text("It knows nothing, and less on Mondays.\n")
    revised = room.release(*STATIC)

    assert 0 == released.code, released.err
    assert ({}, [], False) == (left, again.worked, untouched), again.err
    assert "nothing to do" in again.out
    assert 0 == revised.code, revised.err
    assert "restored as the lock has it" == revised.skipped["train"]
    assert "Mondays" in room.published()["acme/tiny-lora"].files["README.md"].decode()
