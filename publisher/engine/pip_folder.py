"""Packages in a folder of their own: only a process that is told of it looks there, so they take no other's place."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from publisher.errors import HubpubError

_WAIT_S = 600


def installed_apart(cache: Path, packages: Sequence[str], expected: str, called: str) -> Path:
    """The folder below `cache` that holds a package for this Python; installed where it is not there yet.

    Args:
        cache: holds a folder for each such package.
        packages: the package and what goes with it, each pinned, `name==version`.
        expected: a path in the folder that tells that it is whole.
        called: the package, in an error's words.

    Raises:
        HubpubError: HP-E01, it is not there and cannot be had.
    """
    package, *_ = packages
    folder = cache / f"{package.replace('==', '-')}-cp{sys.version_info.major}{sys.version_info.minor}"
    if not (folder / expected).exists() and (said := _install_into(folder, packages, expected)):
        raise HubpubError(
            "HP-E01",
            f"{called} is not here and cannot be installed: {said}",
            where=str(folder),
            hint=f"pip install --no-deps --target {folder} {' '.join(packages)}",
            package=package,
        )
    return folder


def _install_into(folder: Path, packages: Sequence[str], expected: str) -> str | None:
    """Install wheels, without what they depend on, into a folder that appears whole or not at all.

    Args:
        folder: does not exist yet, or is left as it is.
        packages: each pinned.
        expected: a path in the folder that tells that it is whole.

    Returns:
        What pip said, in one line, where that did not succeed.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=f"{folder.name}-", dir=folder.parent))
    try:
        command = [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"),
            *("--no-deps", "--only-binary", ":all:", "--target", str(aside), *packages),
        ]
        # The address of a package index is in the environment; a token for the Hub has no business there.
        environment = {k: v for k, v in os.environ.items() if k not in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")}
        try:
            ran = subprocess.run(
                command, env=environment, capture_output=True, text=True, timeout=_WAIT_S, check=False
            )
            said = "" if ran.returncode == 0 else ran.stderr
        except subprocess.TimeoutExpired:
            said = f"pip was still at it after {_WAIT_S} s"
        if said or not (aside / expected).exists():
            return _told(said, expected)
        if not folder.exists():  # else another run was faster
            aside.rename(folder)
        return None
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _told(said: str, expected: str) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    told = [line for line in lines if line.startswith("ERROR")] or lines[-1:] or [f"it brought no {expected}"]
    return told[0].removeprefix("ERROR: ")
