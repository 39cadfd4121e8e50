"""Two releases of tiny models, made once a session; tests copy what they change."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from release_room import Ran, Room

WHOLE = """
manifest: 1
version: 1.0.0
owner: acme
visibility: public
licence: apache-2.0
base: {folder: inputs/base}
dataset: {folder: inputs/data}
train:
  method: qlora
  lora: {r: 4, alpha: 8}
  learning_rate: 1e-2
  batch_size: 2
  gradient_accumulation: 1
  steps: 2
  max_length: 64
artifacts:
  base: {repo: acme/tiny-base}
  dataset: {visibility: private}
  adapter: {}
  merged: {}
  nf4: {}
collection: Tiny Sums
smoke:
  - {prompt: "1+1=?", expect: {min_tokens: 1}, max_new_tokens: 8}
evaluate: {rows: 4}
card: {limitations: limitations.md}
"""

ADOPTED = """
manifest: 1
version: 1.0.0
owner: acme
licence: apache-2.0
base: {folder: inputs/base}
dataset: {folder: inputs/data}
adapter: inputs/adapter
artifacts: [base, dataset, adapter]
smoke:
  - {prompt: "1+1=?", expect: {min_tokens: 1}, max_new_tokens: 8}
card: {limitations: limitations.md}
"""


def _project(root: Path, name: str, manifest: str, **inputs: Path) -> Room:
    folder = root / "model_cards" / name
    for which, source in inputs.items():
        shutil.copytree(source, folder / "inputs" / which)
    (folder / "release.yaml").write_text(manifest)
    (folder / "limitations.md").write_text("It was trained on twelve sums and cannot add.\n")
    return Room(root, name)


@pytest.fixture(scope="session")
def whole_project(tmp_path_factory: pytest.TempPathFactory, tiny_base: Path, tiny_data: Path) -> Room:
    """Data, training, merge, quantization, evaluation, five repos and a collection; nothing made yet."""
    return _project(tmp_path_factory.mktemp("whole"), "tiny", WHOLE, base=tiny_base, data=tiny_data)


@pytest.fixture(scope="session")
def adopted_project(
    tmp_path_factory: pytest.TempPathFactory, tiny_base: Path, tiny_data: Path, tiny_adapter: Path
) -> Room:
    """An adapter that somebody else trained, its base and its data, private; nothing made yet."""
    root = tmp_path_factory.mktemp("adopted")
    return _project(root, "adopted", ADOPTED, base=tiny_base, data=tiny_data, adapter=tiny_adapter)


@pytest.fixture(scope="session")
def released_whole(whole_project: Room, tmp_path_factory: pytest.TempPathFactory) -> tuple[Room, Ran]:
    """The first project after `hubpub release`, and how that went."""
    room = whole_project.copy(tmp_path_factory.mktemp("released") / "project")
    return room, room.release()


@pytest.fixture(scope="session")
def validated_adopted(adopted_project: Room, tmp_path_factory: pytest.TempPathFactory) -> Room:
    """The second project, its artifacts proven here and nothing on the Hub."""
    room = adopted_project.copy(tmp_path_factory.mktemp("validated") / "project")
    ran = room.release("--until", "check")
    assert ran.code == 0, ran.err
    return room


@pytest.fixture(scope="session")
def released_adopted(validated_adopted: Room, tmp_path_factory: pytest.TempPathFactory) -> Room:
    """The second project after `hubpub release`."""
    room = validated_adopted.copy(tmp_path_factory.mktemp("released-adopted") / "project")
    ran = room.release()
    assert ran.code == 0, ran.err
    return room


@pytest.fixture
def fresh_whole(whole_project: Room, tmp_path: Path) -> Room:
    """A copy of the first project with nothing made."""
    return whole_project.copy(tmp_path / "project")


@pytest.fixture
def fresh_adopted(adopted_project: Room, tmp_path: Path) -> Room:
    """A copy of the second project with nothing made."""
    return adopted_project.copy(tmp_path / "project")


@pytest.fixture
def whole(released_whole: tuple[Room, Ran], tmp_path: Path) -> Room:
    """A copy of the first project as it is after its release."""
    room, ran = released_whole
    assert ran.code == 0, ran.err
    return room.copy(tmp_path / "project")


@pytest.fixture
def adopted(released_adopted: Room, tmp_path: Path) -> Room:
    """A copy of the second project as it is after its release."""
    return released_adopted.copy(tmp_path / "project")


@pytest.fixture
def validated(validated_adopted: Room, tmp_path: Path) -> Room:
    """A copy of the second project before its release."""
    return validated_adopted.copy(tmp_path / "project")
