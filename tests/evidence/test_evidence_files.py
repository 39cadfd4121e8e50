"""Inventories of folders: what is hashed, and how."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

from publisher.evidence.files import git_blob_id, inventory, load_json, sha256_of
from publisher.records.artifacts import FileRecord


def make(folder: Path) -> Path:
    (folder / "sub").mkdir(parents=True)
    (folder / "evidence").mkdir()
    (folder / "model.safetensors").write_bytes(b"weights")
    (folder / "sub" / "a.json").write_bytes(b"{}")
    (folder / "README.md").write_text("# card")
    (folder / "evidence" / "facts.json").write_text("{}")
    return folder


def test_an_inventory_lists_weights_data_and_configuration_without_the_card(tmp_path: Path) -> None:
    """The release digest leaves README and evidence out, so that a card revision keeps its version."""
    folder = make(tmp_path / "artifact")
    listed = inventory(folder)

    assert (
        FileRecord("model.safetensors", 7, hashlib.sha256(b"weights").hexdigest()),
        FileRecord("sub/a.json", 2, hashlib.sha256(b"{}").hexdigest()),
    ) == listed
    assert 4 == len(inventory(folder, keep=lambda _: True))


def test_a_git_blob_id_is_the_one_that_git_gives(tmp_path: Path) -> None:
    """It is compared with what a Hub lists for small files."""
    (tmp_path / "file").write_bytes(b"ab\0c\r\n" * 1000)
    said = subprocess.run(
        ["git", "hash-object", "--no-filters", "file"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )

    assert said.stdout.strip() == git_blob_id(tmp_path / "file")
    assert hashlib.sha256(b"ab\0c\r\n" * 1000).hexdigest() == sha256_of(tmp_path / "file")


def test_json_that_is_absent_or_no_mapping_is_an_empty_mapping(tmp_path: Path) -> None:
    """Configurations are optional, and a list is none."""
    (tmp_path / "list.json").write_text("[1]")

    assert ({}, {}) == (load_json(tmp_path / "none.json"), load_json(tmp_path / "list.json"))
