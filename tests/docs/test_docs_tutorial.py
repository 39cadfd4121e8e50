"""The tutorial works: its files are written and its commands run, in the order in which a newcomer meets them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from huggingface_hub import ModelCard

TUTORIAL = Path(__file__).resolve().parents[2] / "docs" / "tutorial.md"
BLOCK = re.compile(r"^```(?P<language>\w+)(?: (?P<info>\S+))?\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)
FIRST_SENTENCE, SECOND_SENTENCE = "It knows one sum.", "It knows that 2+3 is 5, and nothing more."


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which somebody did all that the tutorial says."""
    folder = tmp_path_factory.mktemp("tutorial")
    for block in BLOCK.finditer(TUTORIAL.read_text(encoding="utf-8")):
        if block["language"] == "bash":
            expected = int((block["info"] or "exit=0").removeprefix("exit="))
            _run(block["text"], folder, expected)
        elif block["language"] != "console":
            (folder / block["info"]).write_text(block["text"], encoding="utf-8")
    return folder


def _run(script: str, folder: Path, expected: int) -> None:
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env=os.environ
        | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", "OMP_NUM_THREADS": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=1200,  # a slow machine is no failure
    )
    assert expected == done.returncode, f"{script}\n{done.stdout}\n{done.stderr}"


@pytest.mark.models
def test_whoever_follows_the_tutorial_has_released_twice(followed: Path) -> None:
    """A version, and a revision of its card; the reader's second sentence is what the card says at the end."""
    receipts = followed / ".hubpub" / "my-adapter" / "hubs" / "local" / "receipts"
    card = ModelCard.load(followed / "model_cards" / "my-adapter" / "cards" / "adapter.md").text

    assert ["1.0.0+card.1.json", "1.0.0.json"] == sorted(file.name for file in receipts.iterdir())
    assert SECOND_SENTENCE in card
    assert FIRST_SENTENCE not in card
