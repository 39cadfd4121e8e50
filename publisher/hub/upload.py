"""One file on its way to a Hub: the client's own operation, which tells how many of its bytes have left."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from huggingface_hub import CommitOperationAdd, constants

from publisher.hub.port import Heard


class CountedAdd(CommitOperationAdd):
    """A file to add. Over LFS its bytes are counted as they are read for sending, each once, however often tried.

    Over Xet, which reads files itself and keeps what the Hub knew to itself, a file counts as sent when it has arrived.
    """

    def __init__(self, path: str, source: Path | bytes, heard: Heard) -> None:
        super().__init__(path_in_repo=path, path_or_fileobj=source)
        self._heard = heard
        self._read = 0  # bytes, for sending
        self._told = False

    @contextmanager
    def as_file(self, with_tqdm: bool = False) -> Iterator[BinaryIO]:
        """The file as the client reads it; with a progress bar means: to send it."""
        if with_tqdm and isinstance(self.path_or_fileobj, str):
            with _Counted(io.FileIO(self.path_or_fileobj), self._at) as file:
                yield file
        else:
            with super().as_file() as file:
                yield file

    def settled(self) -> None:
        """Its large file is on the Hub: what was not read for it was there, unless it went over Xet."""
        if self._upload_mode == "lfs":
            known = not self._read and constants.HF_HUB_DISABLE_XET
            self._tell(self.upload_info.size - self._read, known)

    def committed(self) -> None:
        """The commit is made: a small file went with it."""
        self._tell(self.upload_info.size, known=False)

    def _tell(self, size: int, known: bool) -> None:
        if not self._told and size:
            self._heard(size, known)
        self._told = True

    def _at(self, position: int) -> None:
        if position > self._read:  # an upload that is tried again starts from the front
            new, self._read = position - self._read, position
            self._heard(new, False)


class _Counted(io.BufferedReader):
    """A file that tells its position after each read."""

    def __init__(self, raw: io.FileIO, at: Callable[[int], None]) -> None:
        super().__init__(raw, buffer_size=1 << 20)
        self._at = at

    def read(self, size: int | None = -1, /) -> bytes:
        content = super().read(size)
        self._at(self.tell())
        return content
