"""Artifact folders: made aside, put in place at once, so that a death leaves the old one or the new one."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from publisher.records.artifacts import is_card_file
from publisher.weights.copying import copy_file


@contextmanager
def made_aside(folder: Path) -> Iterator[Path]:
    """A fresh folder beside `folder` that takes its place when the block ends well."""
    aside = folder.with_name(f"{folder.name}.tmp")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    yield aside
    shutil.rmtree(folder, ignore_errors=True)
    aside.rename(folder)


def place(source: Path, target: Path) -> None:
    """Have a file's bytes at `target` too: a hard link, else shared blocks, else a copy made by the kernel."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source.resolve(), target)  # of a symbolic link what it leads to
    except OSError:  # another file system, or one without links
        copy_file(source, target)


def adopt(source: Path, target: Path, stays: Callable[[str], bool] = lambda _: False) -> None:
    """Copy a user's folder, but for the paths that stay where they are."""
    for path, file in contents(source):
        if stays(path):
            continue
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target / path)


def contents(folder: Path) -> Iterator[tuple[str, Path]]:
    """What of a user's folder belongs to weights, data and configuration: no hidden files, and no cards."""
    for file in sorted(folder.rglob("*")):
        path = file.relative_to(folder).as_posix()
        hidden = any(part.startswith(".") for part in path.split("/"))
        if file.is_file() and not hidden and not is_card_file(path):
            yield path, file
