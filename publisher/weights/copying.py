"""Copying bytes of files by the kernel: shared blocks where the file system has them, and nothing through Python."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import BinaryIO

PIECE = 1 << 22  # bytes, where the kernel cannot
# The kernel cannot between these two files: other file systems, an old kernel, a file that is no regular one.
_CANNOT = {errno.EXDEV, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL, errno.EPERM, errno.EBADF, errno.ETXTBSY}


def copy_range(source: BinaryIO, start: int, sink: BinaryIO, at: int, count: int) -> None:
    """Copy `count` bytes from `start` of one file to `at` of another; both are open without a buffer.

    Raises:
        OSError: the disk is full, or the source ends early.
    """
    done = 0
    while done < count:
        moved = _by_kernel(source, start + done, sink, at + done, count - done)
        if moved is None:
            piece = os.pread(source.fileno(), min(PIECE, count - done), start + done)
            moved = os.pwrite(sink.fileno(), piece, at + done) if piece else 0
        if not moved:
            raise OSError(errno.EIO, f"{source.name} ends {count - done} bytes early")
        done += moved


def copy_file(source: Path, target: Path) -> None:
    """Copy a file's bytes; the copy is readable for all, whoever may read the original."""
    with source.open("rb", buffering=0) as reader, target.open("wb", buffering=0) as writer:
        copy_range(reader, 0, writer, 0, source.stat().st_size)
    target.chmod(0o644)


def _by_kernel(source: BinaryIO, start: int, sink: BinaryIO, at: int, count: int) -> int | None:
    """How many bytes the kernel moved; None where it cannot."""
    if not hasattr(os, "copy_file_range"):
        return None
    try:
        return os.copy_file_range(source.fileno(), sink.fileno(), count, start, at)
    except OSError as error:
        if error.errno in _CANNOT:
            return None
        raise
