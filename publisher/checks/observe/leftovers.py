"""Folders that an editor, an operating system or a trainer left behind: told as a whole, not file by file."""

from __future__ import annotations

import re

_NAMES = frozenset(
    {"__pycache__", ".ipynb_checkpoints", ".git", ".idea", ".vscode", "wandb", "__MACOSX", ".cache"}
)
_CHECKPOINT = re.compile(r"checkpoint-\d+")


def leftover_folder(path: str) -> str | None:
    """The outermost such folder that a repo path lies in; None where it lies in none."""
    parents = path.split("/")[:-1]
    return next((part for part in parents if part in _NAMES or _CHECKPOINT.fullmatch(part)), None)
