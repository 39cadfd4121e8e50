"""Artifact folders are whole: the old one or the new one, and nothing of a user's that does not belong."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

from publisher.evidence.hashes import HashCache
from publisher.pipeline.folders import adopt, made_aside, place
from publisher.pipeline.inputs import state_of


def _names(folder: Path) -> list[str]:
    return sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file())


def test_a_folder_takes_its_place_only_when_it_is_whole(tmp_path: Path) -> None:
    """A death in the middle must leave what was there before."""
    folder = tmp_path / "merged"
    with made_aside(folder) as aside:
        (aside / "old").write_text("whole")
    with contextlib.suppress(KeyboardInterrupt), made_aside(folder) as aside:
        (aside / "new").write_text("half")
        raise KeyboardInterrupt

    assert ["old"] == _names(folder)
    with made_aside(folder) as aside:
        assert [] == _names(aside), "nothing of the half is left"
        (aside / "new").write_text("whole")
    assert ["new"] == _names(folder)


def test_adopting_leaves_hidden_files_and_foreign_cards_behind(tmp_path: Path) -> None:
    """A user's .git, .env and README are not what is released."""
    source = tmp_path / "source"
    for path in ("model.safetensors", "README.md", ".env", ".git/config", "sub/a.txt", "evidence/x.json"):
        (source / path).parent.mkdir(parents=True, exist_ok=True)
        (source / path).write_text(path)
    adopt(source, tmp_path / "target")

    assert ["model.safetensors", "sub/a.txt"] == _names(tmp_path / "target")


def test_a_placed_file_has_the_same_bytes(tmp_path: Path) -> None:
    """A link where there can be one, a copy where not: readers see no difference."""
    (tmp_path / "a").write_bytes(b"weights")
    place(tmp_path / "a", tmp_path / "deep" / "b")

    assert b"weights" == (tmp_path / "deep" / "b").read_bytes()


def test_the_state_of_a_given_folder_is_its_bytes(tmp_path: Path) -> None:
    """An adapter that was trained again under the same path is another input; the same one elsewhere is not."""
    (tmp_path / "adapter").mkdir()
    file = tmp_path / "adapter" / "weights"
    hashes = HashCache(tmp_path / "hashes.json")
    states = [state_of("adapter", tmp_path, hashes)]
    for content in ("1", "22", "33"):
        file.write_text(content)
        states.append(state_of("adapter", tmp_path, hashes))
    shutil.copytree(tmp_path / "adapter", tmp_path / "clone" / "adapter", copy_function=shutil.copyfile)

    assert 4 == len(set(states))
    assert states[-1] == state_of("adapter", tmp_path / "clone", hashes)
    assert state_of("acme/a@1", tmp_path, hashes) != state_of("acme/a@2", tmp_path, hashes)
