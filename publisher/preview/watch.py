"""Word of what was saved, within a fraction of a second."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

from watchfiles import awatch

SETTLE_MS = 60  # editors write a file in several steps
LOOK_AGAIN_MS = 1000  # how soon a folder is noticed that did not exist before


async def changes(
    watched: Callable[[], Sequence[Path]], tell: Callable[[], None], stop: asyncio.Event
) -> None:
    """Tell of every change below the watched paths until stopped; paths may come and go."""
    known = _there(watched)
    while not stop.is_set():
        if not known:
            await asyncio.sleep(LOOK_AGAIN_MS / 1000)
        else:
            async for found in awatch(
                *known,
                debounce=SETTLE_MS,
                step=20,
                rust_timeout=LOOK_AGAIN_MS,
                yield_on_timeout=True,
                stop_event=stop,
            ):
                if found:
                    tell()
                if _there(watched) != known:
                    break
        now = _there(watched)
        if now != known and not stop.is_set():
            known = now
            tell()


def _there(watched: Callable[[], Sequence[Path]]) -> list[Path]:
    return [path for path in watched() if path.exists()]
