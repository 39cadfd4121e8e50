"""Five seeded kills of `benchmarks/chaos.py`, and that it would see a difference if there were one."""

from __future__ import annotations

from pathlib import Path

import pytest
from tiny_rooms import chaos

pytestmark = [pytest.mark.models, pytest.mark.long]  # pyarrow, for the dataset

SEED = 4  # kills of both sides, and of all three kinds of release


def test_releases_that_were_killed_end_as_undisturbed_ones() -> None:
    """Client or Hub, anywhere: the same command again leads to the same trees, commits, tags and receipts."""
    kills = list(chaos.run(5, SEED))

    assert [] == [kill.told() for kill in kills if kill.differences]
    assert {"client", "hub"} == {kill.victim for kill in kills}
    assert set(chaos.EDITS) == {kill.edit for kill in kills}


def test_whatever_differs_at_the_end_is_told(tmp_path: Path) -> None:
    """A comparison that sees nothing would call every end the same."""
    chaos.write_project(tmp_path / "room")
    room = chaos.Room(tmp_path / "room")
    with chaos.served(room):
        room.release_whole()
        calm = chaos.look(room)
        token = {"endpoint": room.url, "token": chaos.TOKEN}
        from huggingface_hub import HfApi

        api = HfApi(**token)
        api.create_branch("acme/tiny-lora", branch="left-over")
        api.update_repo_settings("acme/tiny-base", private=True)
        api.upload_file(path_or_fileobj=b"x", path_in_repo="x", repo_id="acme/tiny-data", repo_type="dataset")
        next(room.workspace.glob("hubs/*/receipts/*.json")).unlink()
        told = chaos.differences(calm, chaos.look(room))
    next((room.hub / "repos").rglob("objects/??/*")).chmod(0o644)
    next((room.hub / "repos").rglob("objects/??/*")).write_bytes(b"rotten")

    places = {difference.partition(": ")[0] for difference in told}
    assert {
        "/acme/tiny-lora/branches",
        "/acme/tiny-base/private",
        "/acme/tiny-data/main",
        "/acme/tiny-data/commits",
        "/receipts/1.0.0.json",
    } == places
    assert ["git fsck"] == [line[:8] for line in chaos.unsound(room)]
