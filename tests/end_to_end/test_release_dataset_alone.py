"""A dataset that is released by itself: no model is named, fetched or loaded."""

from __future__ import annotations

import json
import shutil

import pytest
from release_room import Room

pytest.importorskip("pyarrow")
pytest.importorskip("datasets")
pytestmark = pytest.mark.models

MANIFEST = """manifest: 1
owner: acme
visibility: public
licence: cc-by-4.0
dataset: {folder: inputs/data}
artifacts: {dataset: {repo: acme/rows-alone}}
"""


@pytest.fixture
def room(fresh_adopted: Room) -> Room:
    """The second project with nothing but its rows: neither a base nor an adapter lies in it."""
    for place in ("base", "adapter"):
        shutil.rmtree(fresh_adopted.cards / "inputs" / place, ignore_errors=True)
    (fresh_adopted.cards / "release.yaml").write_text(MANIFEST)
    return fresh_adopted


def test_a_dataset_is_released_and_verified_without_any_model(room: Room) -> None:
    ran = room.release()

    assert 0 == ran.code, ran.err
    assert "a dataset is released by itself" == ran.skipped["resolve"]
    files = room.published()["acme/rows-alone"].files
    facts = json.loads(files["evidence/facts.json"])["facts"]
    assert [] == [fact["id"] for fact in facts if fact["id"].startswith("base.")]
    assert not (room.workspace / "artifacts" / "base").exists()
    card = files["README.md"].decode()
    assert "license: cc-by-4.0\n" in card
    assert "base_model" not in card

    again = room.run("verify", room.name, "--hub", "local")
    assert 0 == again.code, again.out + again.err
    checked = room.run("card", room.name, "--check")
    assert 0 == checked.code, checked.out + checked.err
