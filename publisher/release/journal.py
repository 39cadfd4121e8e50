"""The journal: what was done on one Hub, written before and after each step, so that any death can be resumed."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from publisher.records.digest import canonical_json
from publisher.records.facts import Json


@dataclass(frozen=True)
class Journal:
    """An append-only file of JSON lines.

    Attributes:
        file: where it is kept, one a Hub.
        now: the clock, as seconds since the epoch; injected, so that records stay free of it.
    """

    file: Path
    now: Callable[[], float]

    def write(self, event: str, **data: Json) -> None:
        """Append one line and see it to the disk."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        line = canonical_json({"at": round(self.now(), 3), "event": event, **data}) + "\n"
        with self.file.open("ab+") as stream:
            if stream.tell() and not self._ends_whole(stream):
                stream.write(b"\n")  # a line torn by a crash must not swallow this one
            stream.write(line.encode())
            stream.flush()
            os.fsync(stream.fileno())

    @staticmethod
    def _ends_whole(stream: BinaryIO) -> bool:
        stream.seek(-1, os.SEEK_END)
        return stream.read(1) == b"\n"

    @contextmanager
    def step(self, name: str, **data: Json) -> Iterator[None]:
        """Frame a remote step: begun, then done. A step that was begun and not done is looked up on the Hub."""
        self.write("begin", step=name, **data)
        yield
        self.write("done", step=name, **data)

    def lines(self) -> Iterator[dict[str, Json]]:
        """Everything that was written; a line torn by a crash is left out."""
        if not self.file.is_file():
            return
        for line in self.file.read_bytes().split(b"\n"):
            try:
                yield json.loads(line)
            except ValueError:
                continue  # only a death in the middle of the write leaves such a line, and its step was not done

    def proof(self, key: str) -> dict[str, Json] | None:
        """The newest proof that was recorded under a key."""
        found = [
            line["proof"] for line in self.lines() if line["event"] == "proven" and line.get("key") == key
        ]
        return found[-1] if found else None
