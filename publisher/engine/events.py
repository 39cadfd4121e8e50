"""Events of a child: JSON lines over a pipe of their own, so that a library's prints do not disturb them."""

from __future__ import annotations

import json
import os
import selectors
import time
from collections.abc import Callable

from publisher.records.facts import Json


class EventPipe:
    """The parent's end; the child writes lines to `write_fd`."""

    def __init__(self, on_event: Callable[[dict[str, Json]], None]) -> None:
        self._on_event = on_event
        self._read_fd, self.write_fd = os.pipe()
        os.set_blocking(self._read_fd, False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._read_fd, selectors.EVENT_READ)
        self._pending = b""
        self._ended = False

    def close_write_end(self) -> None:
        """Forget our copy of the writing end, so that the child's death ends the pipe."""
        if self.write_fd >= 0:
            os.close(self.write_fd)
            self.write_fd = -1

    def pass_on(self, *, timeout_s: float) -> None:
        """Wait for events, at most so long, and hand on all whole lines that have come."""
        if self._ended:
            # A closed pipe is always readable; waiting on it would spin.
            self._selector.select(timeout_s)
            return
        if not self._selector.select(timeout_s):
            return
        self._read()
        *lines, self._pending = self._pending.split(b"\n")
        for line in lines:
            self._on_event(json.loads(line))

    def _read(self) -> None:
        """Take what is there; note the end."""
        while True:
            try:
                piece = os.read(self._read_fd, 65536)
            except BlockingIOError:
                return
            if not piece:
                self._ended = True
                self._selector.unregister(self._read_fd)
                return
            self._pending += piece

    def drain(self, *, timeout_s: float) -> None:
        """Drop what else comes until every process that held the writing end has gone, at most so long."""
        deadline = time.monotonic() + timeout_s
        while not self._ended and (left_s := deadline - time.monotonic()) > 0:
            if self._selector.select(left_s):
                self._read()
        self._pending = b""

    def close(self) -> None:
        """Close both ends."""
        self.close_write_end()
        self._selector.close()
        os.close(self._read_fd)
