"""Two folders that other programs quantized, from `init` to the Hub and back: no torch, and no byte written twice."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from quantized_folders import write_awq, write_mlx, write_source
from release_room import Room


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Room:
    """A quantizer's disk."""
    root = tmp_path_factory.mktemp("variants")
    write_source(root / "source")
    (root / "source" / "README.md").write_text("---\nlicense: mit\n---\n")
    write_awq(root / "q" / "tiny-awq")
    write_mlx(root / "q" / "tiny-mlx")
    (root / "model_cards").mkdir()
    return Room(root, "tiny")


def test_own_folders_are_released_as_init_wrote_it(room: Room) -> None:
    """Each in a repo of its own, under the name and with the card that its form asks for."""
    begun = room.run(
        "init", "tiny", "--from-files", "q/*", "--source", "source", "--owner", "quantco", "--yes"
    )
    assert "model is open: which model these files were made of" in begun.out, "a folder has no id"
    room.edit('"?? which model these files were made of, owner/name"', "acme/tiny")
    ran = room.release()
    assert 0 == ran.code, ran.err
    repos = room.published()
    card = repos["quantco/tiny-AWQ"].files["README.md"].decode()

    assert {"quantco/tiny-AWQ", "quantco/tiny-MLX"} == set(repos)
    assert (
        "license: mit\nbase_model: acme/tiny\nbase_model_relation: quantized\nlibrary_name: transformers\n"
        in card
    )
    assert "library_name: mlx\n" in repos["quantco/tiny-MLX"].files["README.md"].decode()
    assert "(level of proof: `static`)" in card
    assert "| Layers, widths and vocabulary as in the source's configuration | yes |" in card
    assert (room.root / "q" / "tiny-awq" / "model.safetensors").samefile(
        room.workspace / "artifacts" / "awq" / "model.safetensors"
    )


def test_they_are_proven_again_and_come_back_by_digest(room: Room) -> None:
    """What was proven statically is proven so again; a machine without workspace and folders makes no new release."""
    verified = room.run("verify", "tiny", "--hub", "local")
    shutil.rmtree(room.workspace)
    (room.root / "q").rename(room.root / "elsewhere")
    again = room.release()
    (room.root / "elsewhere").rename(room.root / "q")

    assert 0 == verified.code, verified.err
    assert 0 == again.code, again.err
    assert "restored as the lock has it" == again.skipped["variants"]
    assert "nothing to do" == again.skipped["publish"]


def test_a_new_file_is_a_new_version(room: Room) -> None:
    """What was quantized again under its name differs by its bytes alone."""
    file: Path = room.root / "q" / "tiny-awq" / "model.safetensors"
    content = file.read_bytes()
    file.unlink()
    file.write_bytes(content[:-1] + b"\x02")
    ran = room.run("release", "tiny", "1.0.1", "--hub", "local", "--yes")
    card = room.published()["quantco/tiny-AWQ"].files["README.md"].decode()

    assert 0 == ran.code, ran.err
    assert "- Files changed: `model.safetensors`." in card
