"""A bad version is taken back: the Hub shows the one before, what lies here is refused, and the next one goes out."""

from __future__ import annotations

from pathlib import Path

import pytest
from release_room import Room
from tiny_rooms import NAME, write_project

ADAPTER = "acme/tiny-lora"


def train(room: Room, seed: float) -> None:
    """Other weights for another seed."""
    from tiny_project import write_adapter

    write_adapter(room.cards / "inputs" / "adapter", seed=seed)


@pytest.fixture
def room(tmp_path: Path) -> Room:
    """1.0.0 and 1.1.0 of a dataset and an adapter are released, and 1.1.0 is rolled back."""
    write_project(tmp_path, ("dataset", "adapter"))
    room = Room(tmp_path, NAME)
    for version in ("1.0.0", "1.1.0"):
        train(room, seed=float(version[2]) + 1)
        released = room.release(version, "--proof", "static")
        assert 0 == released.code, released.err
    back = room.run("rollback", NAME, "1.0.0", "--yes", "--hub", "local")
    assert 0 == back.code, back.err
    return room


def test_what_was_rolled_back_is_refused_and_the_next_version_goes_out(room: Room) -> None:
    """The refusal comes from what lies here, with the command to type; the lock remembers what is withdrawn."""
    refused = room.release("--proof", "static")
    named = room.release("1.1.0", "--proof", "static")
    train(room, seed=3)
    released = room.release("1.2.0", "--proof", "static")
    of_hub = room.lock()["released"]["local"]
    seen = room.published()[ADAPTER]

    assert [(2, ["HP-R08"])] * 2 == [(ran.code, ran.errors) for ran in (refused, named)]
    assert "hubpub release tiny 1.2.0" in refused.err
    assert [] == named.worked
    assert 0 == released.code, released.err
    assert ("1.2.0", ["1.1.0"], {}) == (of_hub["version"], of_hub["withdrawn"], of_hub["made_at"])
    assert [
        "tiny 1.2.0: adapter",
        "tiny back to 1.0.0: adapter",
        "tiny 1.1.0: adapter",
        "tiny 1.0.0: adapter",
    ] == (seen.commits[:4])
    assert ["v1.0.0", "v1.1.0", "v1.2.0"] == sorted(seen.tags)
    assert b"Withdrawn" not in seen.files["README.md"]


def test_the_old_version_released_again_keeps_its_banner_and_is_no_conflict(room: Room) -> None:
    """Whoever goes back in git as well: the weights are those of 1.0.0, and the card says what was withdrawn."""
    shown = room.published()[ADAPTER].files["README.md"]
    train(room, seed=1)
    again = room.release("--proof", "static")
    seen = room.published()[ADAPTER]
    checked = room.run("card", NAME, "--check")

    assert 0 == again.code, again.err
    assert "> **Withdrawn: 1.1.0.** This is version 1.0.0." in shown.decode()
    assert shown == seen.files["README.md"]
    assert 0 == checked.code, checked.err
    assert "1.0.0" == room.lock()["released"]["local"]["version"].partition("+")[0]
    assert ["v1.0.0", "v1.1.0"] == sorted(seen.tags)
