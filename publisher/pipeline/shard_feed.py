"""The shards of a base on a Hub, put into a folder as a merge asks for them: the one that it works on, and the next.

The other side is `publisher/engine/arrivals.py`. A shard comes in ranges, some side by side, each tried again by itself;
what a killed run had of it is kept. It gets its name when its digest is the one that the Hub lists.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from queue import SimpleQueue
from threading import Event, Thread

from publisher.engine.jobs import FAILED
from publisher.errors import HubpubError
from publisher.evidence.files import git_blob_id
from publisher.hub.port import Hub, RemoteFile
from publisher.pipeline.foreign import Place
from publisher.pipeline.side_by_side import side_by_side
from publisher.records.facts import Json

RANGE_BYTES = 16 << 20
RANGES = 4  # side by side; so many are in memory


class ShardFeed:
    """Fetches in a thread of its own, in the order in which shards are asked for. `base`: a repo at a commit.

    Attributes:
        fault: why it had to give up, if it did.
    """

    def __init__(
        self,
        hub: Hub,
        base: Place,
        files: Mapping[str, RemoteFile],
        folder: Path,
        on_bytes: Callable[[int], None],
    ) -> None:
        self._hub, self._base, self._files = hub, base, files
        self._folder, self._on_bytes = folder, on_bytes
        self._wanted: SimpleQueue[str] = SimpleQueue()
        self._asked: set[str] = set()
        self._stopped = Event()
        self.fault: BaseException | None = None
        (folder / FAILED).unlink(missing_ok=True)
        # A daemon: nobody waits for a Hub that has gone silent.
        Thread(target=self._work, name="shard-feed", daemon=True).start()

    def hear(self, event: dict[str, Json]) -> None:
        """An event of the merge: what it wants is fetched, what it will want next after that."""
        if event.get("event") != "want":
            return
        following = event.get("following")
        for name in (event.get("shard"), *(following if isinstance(following, list) else ())):
            if isinstance(name, str) and name not in self._asked:
                self._asked.add(name)
                self._wanted.put(name)

    def stop(self) -> None:
        """Fetch nothing more."""
        self._stopped.set()
        self._wanted.put("")

    def _work(self) -> None:
        try:
            while (name := self._wanted.get()) and not self._stopped.is_set():
                if not (self._folder / name).exists():
                    self._fetch(self._files[name])
        except BaseException as fault:  # noqa: BLE001 - raised where the merge ends, whatever it is
            self.fault = fault
            (self._folder / FAILED).touch()

    def _fetch(self, file: RemoteFile) -> None:
        part = self._folder / f"{file.path}.part"
        sha = hashlib.sha256()
        with part.open("a+b") as stream:
            stream.seek(0)
            while piece := stream.read(RANGE_BYTES):
                sha.update(piece)
                self._on_bytes(len(piece))
            for piece in self._pieces(file, stream.tell()):
                stream.write(piece)
                sha.update(piece)
                self._on_bytes(len(piece))
        if self._stopped.is_set():
            return
        if (file.sha256 is None and git_blob_id(part) == file.blob_id) or sha.hexdigest() == file.sha256:
            part.rename(self._folder / file.path)
            return
        part.unlink()
        raise HubpubError(
            "HP-R01",
            f"{file.path} of {self._base.ref.repo_id} did not arrive as the Hub lists it",
            where=self._hub.endpoint,
            hint="run the same command again",
        )

    def _pieces(self, file: RemoteFile, start: int) -> Iterable[bytes]:
        step = RANGES * RANGE_BYTES
        for first in range(start, file.size, step):
            if self._stopped.is_set():
                return
            ranges = [
                (at, min(at + RANGE_BYTES, file.size))
                for at in range(first, min(first + step, file.size), RANGE_BYTES)
            ]
            yield from side_by_side(
                lambda part: self._hub.read_range(self._base.ref, self._base.revision, file.path, *part),
                ranges,
            )
