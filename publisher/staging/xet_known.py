"""What Xet clients sent before, so that it need not be sent again: the chunks of committed files, lent to each upload.

Every upload has a folder of its own (`xet`). What lies there before the client comes, it takes for sent: the list of
chunks that a shard is, and the xorbs that hold them. Both are hard links, so they take no room, and the whole may be
dropped at any time without harm to an upload under way. Nobody gets to see more by it: who can write into such a
folder is the Hub's own account on this machine.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
import uuid
from pathlib import Path

from publisher.staging.durable import make_folders

_SHARDS, _XORBS = "xet/shard-cache", "xet/xorbs/xorbs"  # as hf_xet names them in a folder that it was given
_lock = threading.Lock()


def lend(data: Path, upload: Path) -> None:
    """Put what is known into a new upload's folder."""
    _link(_pool(data), upload)


def keep(data: Path, upload: Path) -> None:
    """Know from now on what came with an upload, a file of which was put together and found right."""
    _link(upload, _pool(data))


def forget(data: Path, aside: Path) -> None:
    """Know nothing any more: bytes were deleted for good, or something that is known is damaged."""
    gone = aside / uuid.uuid4().hex
    with _lock, contextlib.suppress(FileNotFoundError):
        _pool(data).rename(gone)
    shutil.rmtree(gone, ignore_errors=True)


def _pool(data: Path) -> Path:
    return data / "xet-known"


def _link(source: Path, target: Path) -> None:
    """Xorbs before shards, so that no shard names a xorb which is not there.

    Where the file system has no links there is nothing to lend, and everything is sent.
    """
    with _lock, contextlib.suppress(OSError):
        for part in (_XORBS, _SHARDS):
            make_folders(target / part)
            for file in (source / part).glob("*"):
                with contextlib.suppress(FileExistsError):
                    os.link(file, target / part / file.name)
