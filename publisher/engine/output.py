"""Output folders appear whole or not at all: written aside, renamed at the end."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from publisher.records.facts import Json

_LEDGER = ".progress.json"


@contextmanager
def written_aside(out: Path) -> Iterator[Path]:
    """Give an empty folder `<out>.tmp`; when the block ends well it takes the place of `out`.

    What a killed run left of it is cleared away first. On an error it stays, to be looked at, until the next run.
    """
    aside = _aside(out)
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    yield aside
    _take_place(aside, out)


class Ledger:
    """What of a folder is made already, by file; written down anew after each."""

    def __init__(self, folder: Path, key: str) -> None:
        self.folder = folder
        self._key = key
        self._file = folder / _LEDGER
        self._done: dict[str, Json] = {}
        if self._file.is_file():
            self._done = json.loads(self._file.read_text(encoding="utf-8"))["done"]

    def done(self, name: str) -> Json:
        """What was said of a file that is whole; None for one that is not."""
        return self._done.get(name) if (self.folder / name).is_file() else None

    def finish(self, part: Path, name: str, note: Json) -> None:
        """Give a finished, flushed file its name, and write down what is to be known of it."""
        part.rename(self.folder / name)
        self._done[name] = note
        self.write()

    def write(self) -> None:
        """Write the ledger whole."""
        aside = self._file.with_suffix(".tmp")
        aside.write_text(json.dumps({"key": self._key, "done": self._done}), encoding="utf-8")
        with aside.open("rb") as stream:
            os.fsync(stream.fileno())
        aside.replace(self._file)

    def close(self) -> None:
        """The folder is whole: the ledger goes."""
        self._file.unlink(missing_ok=True)


@contextmanager
def continued_aside(out: Path, key: str) -> Iterator[Ledger]:
    """As `written_aside`, but what a killed run finished is kept where that run had the same `key`."""
    aside = _aside(out)
    if not _same_key(aside, key):
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir(parents=True)
    ledger = Ledger(aside, key)
    for file in aside.iterdir():
        if ledger.done(file.name) is None:
            file.unlink()
    ledger.write()
    yield ledger
    ledger.close()
    _take_place(aside, out)


def _same_key(aside: Path, key: str) -> bool:
    file = aside / _LEDGER
    return file.is_file() and json.loads(file.read_text(encoding="utf-8"))["key"] == key


def _aside(out: Path) -> Path:
    return out.with_name(f"{out.name}.tmp")


def _take_place(aside: Path, out: Path) -> None:
    if out.exists():
        shutil.rmtree(out)
    aside.rename(out)
