"""SIGTERM as a question that a loop may ask at a good moment, instead of a death at any."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def stop_requests() -> Iterator[Callable[[], bool]]:
    """Give a function that says whether SIGTERM has come since; the former handler is put back at the end."""
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked.is_set  # only a main thread may handle signals
        return

    def note(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        asked.set()

    former = signal.signal(signal.SIGTERM, note)
    try:
        yield asked.is_set
    finally:
        signal.signal(signal.SIGTERM, former)
