"""A preview as users start it: a process of its own, in the demo's project."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

HUBPUB = Path(sys.executable).with_name("hubpub")
NAME = "smollm2-aerial"


@dataclass(frozen=True)
class Preview:
    """A preview that runs: its address, and what it said."""

    url: str
    root: Path

    def prose(self, name: str) -> Path:
        return self.root / "model_cards" / NAME / name


def environment(**more: str) -> dict[str, str]:
    """Without a display and without ssh, as in a container; an empty value takes a name away."""
    whole = {**os.environ, "DISPLAY": "", "WAYLAND_DISPLAY": "", "SSH_CONNECTION": "", **more}
    return {name: value for name, value in whole.items() if value}


@contextmanager
def running(root: Path, *arguments: str) -> Iterator[Preview]:
    command = [HUBPUB, "card", NAME, "--preview", *arguments]
    with subprocess.Popen(
        command, cwd=root, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            assert process.stdout is not None
            yield Preview(process.stdout.readline().strip(), root)
        finally:
            process.terminate()
