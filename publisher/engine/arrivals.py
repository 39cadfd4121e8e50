"""Shards of a base that are not here yet: asked for one after the other, and taken away when they are merged.

A child has no network, so its parent fetches (`publisher/pipeline/shard_feed.py`); a folder is where the two meet.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from publisher.engine.jobs import FAILED, Emit
from publisher.errors import HubpubError
from publisher.records.facts import Json
from publisher.weights.header import Header, read_header

POLL_S = 0.02
AT_HAND = 2  # shards that are here at most: the one that is merged, and the next


@dataclass(frozen=True)
class Arrivals:
    """Where shards are put, in which order they are asked for, and who is asked. Without a folder, all of them are here."""

    folder: Path | None
    order: tuple[Header, ...]
    emit: Emit

    @contextmanager
    def whole(self, shard: Header) -> Iterator[Header]:
        """A shard with its bytes, for the length of the block; the one behind it may be on its way meanwhile.

        Raises:
            HubpubError: HP-H01 it cannot be fetched, as its parent knows better; HP-W01 it is no whole shard.
        """
        if self.folder is None:
            yield shard
            return
        file = self.folder / shard.file.name
        place = self.order.index(shard)
        following: list[Json] = [each.file.name for each in self.order[place + 1 : place + AT_HAND]]
        self.emit({"event": "want", "shard": file.name, "following": following})
        while not file.exists():
            if (self.folder / FAILED).exists():
                raise HubpubError("HP-H01", f"{file.name} did not arrive", hint="run the same command again")
            time.sleep(POLL_S)
        yield read_header(file)
        file.unlink(missing_ok=True)  # a shard that nothing is added to has moved on
