"""Large files written once, from front to back: past the page cache where the system lets one, and durable at the end.

What goes through the cache is copied twice and waited for in the end, since it must be flushed. Here pieces go from this
process's memory to the disk while the next ones are being made, and the pages of other files stay cached.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import mmap
import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

PIECE = 4 << 20  # bytes of one write
_PIECES = 4  # in memory: one being filled, the others on their way
_ALIGNED = 4096  # what direct writes must be multiples of; no disk asks for more (open(2), O_DIRECT)


class Written:
    """A file being written. Memory holds four pieces of it, whatever its size."""

    def __init__(self, descriptor: int, pool: ThreadPoolExecutor) -> None:
        self._descriptor, self._pool = descriptor, pool
        self._free = [mmap.mmap(-1, PIECE) for _ in range(_PIECES)]  # these begin at a page
        self._on_their_way: deque[tuple[Future[None], mmap.mmap]] = deque()
        self._piece = self._free.pop()
        self._start, self._filled = 0, 0

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Append bytes; they may be changed afterwards.

        Raises:
            OSError: the disk is full.
        """
        view = memoryview(data).cast("B")
        while view:
            count = min(len(view), PIECE - self._filled)
            self._piece[self._filled : self._filled + count] = view[:count]
            view = view[count:]
            self._advance(count)

    def copy(self, source: BinaryIO, start: int, count: int) -> None:
        """Append bytes of another file, which is open without a buffer.

        Raises:
            OSError: the disk is full, or the source ends early.
        """
        while count:
            with memoryview(self._piece) as piece:
                room = piece[self._filled : self._filled + min(count, PIECE - self._filled)]
                read = os.preadv(source.fileno(), [room], start)
                room.release()
            if not read:
                raise OSError(errno.EIO, f"{source.name} ends {count} bytes early")
            start, count = start + read, count - read
            self._advance(read)

    def finish(self) -> None:
        """Everything is on the disk."""
        size = self._start + self._filled
        if self._filled:
            self._send(-(-self._filled // _ALIGNED) * _ALIGNED)
        while self._on_their_way:
            self._take_back()
        os.ftruncate(self._descriptor, size)
        os.fsync(self._descriptor)

    def _advance(self, count: int) -> None:
        self._filled += count
        if self._filled == PIECE:
            self._send(PIECE)
            self._piece = self._free.pop() if self._free else self._take_back()
            self._start, self._filled = self._start + PIECE, 0

    def _send(self, count: int) -> None:
        sent = self._pool.submit(_write_all, self._descriptor, self._piece, count, self._start)
        self._on_their_way.append((sent, self._piece))

    def _take_back(self) -> mmap.mmap:
        sent, piece = self._on_their_way.popleft()
        sent.result()
        return piece


@contextmanager
def written(file: Path, size_bytes: int) -> Iterator[Written]:
    """Write a new file of a known size, readable for all; at the end of the block it is on the disk, whole.

    Raises:
        OSError: the disk has no room for it, said before the first byte where the file system can reserve.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    try:
        descriptor = os.open(file, flags | getattr(os, "O_DIRECT", 0), 0o644)
    except OSError as error:
        if error.errno != errno.EINVAL:  # a file system that always caches
            raise
        descriptor = os.open(file, flags, 0o644)
    try:
        _reserve(descriptor, size_bytes, file)
        with ThreadPoolExecutor(_PIECES - 1) as pool:
            sink = Written(descriptor, pool)
            yield sink
            sink.finish()
        os.fchmod(descriptor, 0o644)
    finally:
        os.close(descriptor)


def _write_all(descriptor: int, piece: mmap.mmap, count: int, at: int) -> None:
    done = 0
    with memoryview(piece) as view:
        while done < count:
            with view[done:count] as rest:
                try:
                    done += os.pwrite(descriptor, rest, at + done)
                except OSError as error:
                    if error.errno != errno.EINVAL or not _cached_from_now_on(descriptor):
                        raise


def _cached_from_now_on(descriptor: int) -> bool:
    """Let the file be written through the cache, where a direct write was refused; False if it was already."""
    direct = getattr(os, "O_DIRECT", 0)
    flags = fcntl.fcntl(descriptor, fcntl.F_GETFL)
    fcntl.fcntl(descriptor, fcntl.F_SETFL, flags & ~direct)
    return bool(flags & direct)


def _reserve(descriptor: int, size_bytes: int, file: Path) -> None:
    """Reserve blocks, so that direct writes need not do it one after the other, and a full disk is known at once.

    Not os.posix_fallocate: where the file system cannot, the C library writes into every block instead.
    """
    reserve = getattr(ctypes.CDLL(None, use_errno=True), "fallocate", None)  # Linux alone
    if reserve is None or not size_bytes:
        return
    failed = reserve(descriptor, 0, ctypes.c_int64(0), ctypes.c_int64(size_bytes))
    if failed and ctypes.get_errno() == errno.ENOSPC:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(file))
