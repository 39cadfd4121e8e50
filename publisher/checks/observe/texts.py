"""The repo's text files, whatever they are called: what could leak a secret or a path."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from publisher.checks.observe.files import DATA_SUFFIXES
from publisher.checks.source import Entry, Source

MAX_BYTES = 32 * 1024 * 1024
# Of a text, and of a file with rows, where each byte comes over a network.
_FAR_BYTES, _FAR_ROWS_BYTES = 1024 * 1024, 64 * 1024
FAR_FILES = 1000  # a Hub counts requests, and refuses who makes too many
_HEAD_BYTES = 8192
_EVENTS = ".tfevents."  # TensorBoard's logs, which repeat a run's whole configuration

# Never text, and often large: not even opened.
_BINARY = (
    ".safetensors", ".parquet", ".gguf", ".bin", ".pt", ".pth", ".ckpt", ".onnx", ".arrow", ".npy", ".npz",
    ".png", ".jpg", ".jpeg", ".gif", ".webp", ".tif", ".tiff", ".bmp", ".ico", ".pdf", ".mp3", ".wav", ".flac",
    ".ogg", ".mp4", ".zip", ".gz", ".tar", ".zst", ".7z", ".model", ".woff", ".woff2", ".ttf",
)  # fmt: skip
# Tens of megabytes of word pieces: worth the time where they lie near, not worth a transfer.
_VOCABULARIES = ("tokenizer.json", "vocab.json", "vocab.txt", "merges.txt")


@dataclass(frozen=True)
class Text:
    """One text file. `partial`: how many bytes of it were read, where that is not all."""

    path: str
    content: str
    partial: int | None = None
    binary: bool = False  # a log that holds texts between bytes of other kinds: it has no lines

    @property
    def is_data(self) -> bool:
        """Whether the file holds rows of a dataset: other people's words, not the publisher's."""
        return self.path.endswith(DATA_SUFFIXES)

    @property
    def is_vocabulary(self) -> bool:
        """Whether a program wrote it, of word pieces that may look like anything."""
        return self.path.endswith(_VOCABULARIES)

    @cached_property
    def _line_starts(self) -> list[int]:
        starts = [0]
        position = self.content.find("\n")
        while position != -1:
            starts.append(position + 1)
            position = self.content.find("\n", position + 1)
        return starts

    def place(self, offset: int) -> tuple[int, int]:
        """Line and column, both from 1, of a character."""
        line = bisect_right(self._line_starts, offset)
        return line, offset - self._line_starts[line - 1] + 1


class Texts:
    """All text files, read one at a time: a dataset's may be larger than the memory.

    Attributes:
        entries: the files that are opened; over a network so many, from the top of the repo downwards.
        left_out: how many more there are.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        binary = _BINARY if source.near else (*_BINARY, *_VOCABULARIES)
        found = [each for each in source.entries() if each.readable and not each.path.endswith(binary)]
        if not source.near:
            found.sort(key=lambda each: (each.path.count("/"), each.path))
        self.entries = tuple(found if source.near else found[:FAR_FILES])
        self.left_out = len(found) - len(self.entries)

    def __iter__(self) -> Iterator[Text]:
        for entry in self.entries:
            text = self.of(entry)
            if text is not None:
                yield text

    def of(self, entry: Entry) -> Text | None:
        """One file's text; None: it is none, or cannot be read."""
        limit = self._limit(entry.path)
        try:
            head = self._source.read(entry.path, limit=_HEAD_BYTES)
            wide = head.startswith((b"\xff\xfe", b"\xfe\xff"))
            binary = b"\0" in head and not wide
            if binary and _EVENTS not in entry.path:
                return None
            raw = self._source.read(entry.path, limit=limit) if entry.size > _HEAD_BYTES else head
        except OSError:  # reported by the rule on unreadable files, not by each reader
            return None
        content = raw.decode("utf-16" if wide else "latin-1" if binary else "utf-8", "replace")
        return Text(entry.path, content, limit if entry.size > limit else None, binary)

    def _limit(self, path: str) -> int:
        if self._source.near:
            return MAX_BYTES
        return _FAR_ROWS_BYTES if path.endswith(DATA_SUFFIXES) else _FAR_BYTES
