"""The code that a command ends with, whatever stopped it."""

from __future__ import annotations

import errno

import typer

from publisher.errors import HubpubError

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # the disk, a quota, or a limit on a file's size


def code_of(error: BaseException) -> str:
    """Ours where it is one of ours; an interruption, a full disk, else a bug."""
    if isinstance(error, HubpubError):
        return error.code
    if isinstance(error, KeyboardInterrupt | typer.Abort):
        return "HP-I01"
    return "HP-X01" if isinstance(error, OSError) and error.errno in NO_ROOM else "HP-Z01"
