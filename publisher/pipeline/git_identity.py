"""Whether a release can be committed here: git, a repository, and a name to commit under."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from publisher.pipeline.ability import Ability
from publisher.pipeline.workflow import repository_root

NAME = "git"
PATIENCE_S = 10.0


def git_identity(root: Path) -> Ability:
    """Ask git, in the project's folder: manifests, locks and cards are meant to be committed."""
    if shutil.which("git") is None:
        return Ability(NAME, "missing", "not installed", "install git: https://git-scm.com/downloads")
    repository = repository_root(root)
    unset = [key for key in ("user.name", "user.email") if not _config(root, key)]
    if unset:
        commands = " && ".join(f'git config --global {key} "…"' for key in unset)
        return Ability(NAME, "missing", f"nobody to commit as: {' and '.join(unset)} not set", commands)
    who = f"{_config(root, 'user.name')} <{_config(root, 'user.email')}>"
    if not (repository / ".git").exists():
        return Ability(NAME, "missing", f"as {who}, and this folder is in no repository", "git init")
    return Ability(NAME, "ok", f"as {who}")


def _config(root: Path, key: str) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", str(root), "config", key],
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()
