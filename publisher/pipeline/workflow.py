"""Which CI job releases this project, as far as its folder tells: what a trusted publisher's form asks for."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

_GITHUB = re.compile(r"github\.com[:/]([\w.-]+/[\w.-]+?)(?:\.git)?/?$")
_ENVIRONMENT = re.compile(r"^ +environment:[ \t]*(?:\n +name:[ \t]*)?[\"']?([\w.-]+)", re.MULTILINE)
_RELEASES = re.compile(r"\bhubpub (?:release|promote)\b")


@dataclass(frozen=True)
class Workflow:
    """A job of GitHub Actions; None for what the folder does not tell."""

    repository: str | None
    file: str | None
    environment: str | None

    @property
    def claims(self) -> dict[str, str]:
        """What is known, as the Hub's form names it."""
        known = {"repository": self.repository, "workflow": self.file, "environment": self.environment}
        return {name: value for name, value in known.items() if value}


def workflow_of(root: Path) -> Workflow:
    """Look at the remote `origin` and at the repository's `.github/workflows/`: the first file there that releases."""
    for file in sorted((repository_root(root) / ".github" / "workflows").glob("*.y*ml")):
        text = file.read_text(encoding="utf-8", errors="replace")
        if _RELEASES.search(text):
            environment = _ENVIRONMENT.search(text)
            return Workflow(_repository(root), file.name, environment[1] if environment else None)
    return Workflow(_repository(root), None, None)


def repository_root(folder: Path) -> Path:
    """The git repository that a folder lies in; the folder itself where it lies in none."""
    return next((each for each in (folder, *folder.parents) if (each / ".git").exists()), folder)


def _repository(root: Path) -> str | None:
    if given := os.environ.get("GITHUB_REPOSITORY"):
        return given
    try:
        done = subprocess.run(
            ["git", "-C", str(root), "remote", "get-url", "origin"],
            capture_output=True,
            text=True,
            check=True,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    found = _GITHUB.search(done.stdout.strip())
    return found[1] if found else None
