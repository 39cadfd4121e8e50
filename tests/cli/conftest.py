"""Projects to run hubpub in."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from cli_runs import REPOSITORY, Project, environment_of

TINY = """
manifest: 1
version: 1.0.0
owner: acme
base: {folder: inputs/base}
dataset: {folder: inputs/data}
artifacts: [base, dataset]
card: {limitations: limitations.md}
licence: apache-2.0
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project with the release `tiny`, whose base is a folder with a configuration and nothing else."""
    folder = tmp_path / "model_cards" / "tiny"
    (folder / "inputs" / "base").mkdir(parents=True)
    (folder / "inputs" / "data").mkdir()
    (folder / "inputs" / "base" / "config.json").write_text("{}")
    (folder / "release.yaml").write_text(TINY)
    (folder / "limitations.md").write_text("None that are known.\n")
    return Project(tmp_path)


@pytest.fixture
def gemma(tmp_path: Path) -> Project:
    """A project with nothing but this repository's reference case."""
    shutil.copytree(
        REPOSITORY / "model_cards" / "gemma-aerial-12b", tmp_path / "model_cards" / "gemma-aerial-12b"
    )
    return Project(tmp_path)


@pytest.fixture
def python() -> Callable[[str], str]:
    """Run code in a fresh interpreter; returns what it printed."""

    def run(code: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment_of({})
        )
        return done.stdout

    return run
