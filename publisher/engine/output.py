"""Output folders appear whole or not at all: written aside, renamed at the end."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def written_aside(out: Path) -> Iterator[Path]:
    """Give an empty folder `<out>.tmp`; when the block ends well it takes the place of `out`.

    What a killed run left of it is cleared away first. On an error it stays, to be looked at, until the next run.
    """
    aside = out.with_name(f"{out.name}.tmp")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    yield aside
    if out.exists():
        shutil.rmtree(out)
    aside.rename(out)
