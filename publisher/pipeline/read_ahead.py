"""What a check of a repo on a Hub will read is fetched side by side as soon as the first of it is read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from publisher.checks.observe.files import Files
from publisher.checks.observe.footers import MOST_FILES as MOST_FOOTERS
from publisher.checks.observe.footers import Footers
from publisher.checks.observe.ggufs import MOST_FILES as MOST_GGUFS
from publisher.checks.observe.pickles import Pickles
from publisher.checks.observe.target import Heads
from publisher.checks.observe.tensors import read_header
from publisher.checks.observe.texts import Texts
from publisher.checks.source import Entry, Source
from publisher.pipeline.side_by_side import side_by_side
from publisher.records.artifacts import README
from publisher.weights.gguf import HEAD_BYTES


@dataclass(frozen=True)
class _Alike:
    """Files of which whoever reads one reads all.

    Attributes:
        fetch: reads of a file what an observer will, through the source that keeps it.
    """

    entries: tuple[Entry, ...]
    fetch: Callable[[Entry], object]


class ReadAhead:
    """A source that keeps what it read, seen by a check that asks for one file after the other.

    The card alone brings nothing along: many want no more than that.
    """

    whole = True
    near = False

    def __init__(self, source: Source) -> None:
        self._source = source
        self._ahead = {entry.path: group for group in _groups(source) for entry in group.entries}
        self._ahead.pop(README, None)

    def entries(self) -> tuple[Entry, ...]:
        """Every file, sorted by path."""
        return self._source.entries()

    def read(self, path: str, *, start: int = 0, limit: int | None = None) -> bytes:
        """A file's bytes from `start`, at most `limit` of them.

        Raises:
            OSError, HubpubError: as the source says.
        """
        group = self._ahead.get(path)
        if group is not None:
            for entry in group.entries:
                self._ahead.pop(entry.path, None)
            side_by_side(_quietly(group.fetch), group.entries)
        return self._source.read(path, start=start, limit=limit)


def _groups(source: Source) -> Iterator[_Alike]:
    """Texts, and files of which a part is read: no file is in two of them."""
    files, texts = Files(source.entries()), Texts(source)
    footers, pickles, heads = Footers(source, files), Pickles(source), Heads(source)

    def scan(entry: Entry) -> None:
        for pickled in pickles.find(Files((entry,)), heads):
            pickles.scan(pickled.path, pickled.size)

    yield _Alike(texts.entries, texts.of)
    yield _Alike(files.ending(".safetensors"), lambda entry: read_header(source, entry))
    yield _Alike(files.ending(".gguf")[:MOST_GGUFS], lambda entry: heads.of(entry.path, HEAD_BYTES))
    yield _Alike(files.ending(".bin", ".pt", ".pth"), scan)
    data = files.ending(".parquet")
    if len(data) <= MOST_FOOTERS:
        yield _Alike(data, lambda entry: footers.of(entry.path))


def _quietly(fetch: Callable[[Entry], object]) -> Callable[[Entry], None]:
    """What cannot be read is told of when it is read, and by whoever reads it."""

    def fetched(entry: Entry) -> None:
        with suppress(OSError):
            fetch(entry)

    return fetched
