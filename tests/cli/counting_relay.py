"""A relay in front of a Hub that counts the bytes which it hands back."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit


class CountingRelay:
    """Every connection is handed on as it is; `served` are bytes of answers, headers included."""

    def __init__(self, target: str) -> None:
        place = urlsplit(target)
        self._target = (str(place.hostname), int(place.port or 80))
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self.served = 0
        self._counting = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Take no more connections."""
        self._listening.close()

    def _accept(self) -> None:
        with suppress(OSError):  # the listener is closed
            while True:
                client, _ = self._listening.accept()
                threading.Thread(target=self._hand_on, args=(client,), daemon=True).start()

    def _hand_on(self, client: socket.socket) -> None:
        with client, socket.create_connection(self._target) as hub:
            asking = threading.Thread(target=self._pass, args=(client, hub, False), daemon=True)
            asking.start()
            self._pass(hub, client, True)
            asking.join()

    def _pass(self, source: socket.socket, sink: socket.socket, back: bool) -> None:
        with suppress(OSError):
            while piece := source.recv(1 << 16):
                if back:
                    with self._counting:
                        self.served += len(piece)
                sink.sendall(piece)
        with suppress(OSError):
            sink.shutdown(socket.SHUT_WR)


@contextmanager
def counting(target: str) -> Iterator[CountingRelay]:
    """A relay for the length of a block."""
    relay = CountingRelay(target)
    try:
        yield relay
    finally:
        relay.close()
