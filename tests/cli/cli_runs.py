"""The program as users start it: a process of its own, and what it said."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HUBPUB = Path(sys.executable).with_name("hubpub")
REPOSITORY = Path(__file__).resolve().parents[2]
TOKEN = "hf_" + "thisIsASecretThatNobodyMaySee00"


@dataclass(frozen=True)
class Ran:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on stdout."""
        return json.loads(self.out)

    @property
    def codes(self) -> list[str]:
        """The codes of the errors, in order, each error held to the promised form."""
        blocks = [block for block in self.err.split("error[") if block][_talk(self.err) :]
        for block in blocks:
            lines = block.rstrip("\n").splitlines()
            assert len(lines) <= 4, self.err
            labels = [line.split(":", 1)[0].strip() for line in lines[1:]]
            assert labels in (["where", "hint", "more"], ["hint", "more"]), self.err
        return [block.split("]", 1)[0] for block in blocks]


def _talk(err: str) -> int:
    """1 where something was said before the first error."""
    return int(not err.startswith("error["))


@dataclass(frozen=True)
class Project:
    """A folder that hubpub is run in."""

    root: Path

    def __call__(self, *arguments: str, **environment: str) -> Ran:
        done = subprocess.run(
            [HUBPUB, *arguments],
            cwd=self.root,
            env=environment_of(environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert TOKEN not in done.stdout + done.stderr
        return Ran(done.returncode, done.stdout, done.stderr)


def environment_of(more: dict[str, str]) -> dict[str, str]:
    """As a user has it, with a token in it that no output may show; an empty value takes a name away."""
    whole = {**os.environ, "HF_TOKEN": TOKEN, **more}
    return {name: value for name, value in whole.items() if value}
