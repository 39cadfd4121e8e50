"""The embedded Hub's life: one server per data folder, in a thread of this process or in the foreground.

Importing this is cheap; what a server needs is imported when one starts.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Self
from urllib.parse import urlsplit

from publisher.errors import HubpubError

if TYPE_CHECKING:
    import asyncio

    import uvicorn
    from filelock import BaseFileLock
    from starlette.middleware import Middleware

    from publisher.staging.site import Pages

HOST = "127.0.0.1"
START_S = 10.0  # a server that does not answer by then never will
ALIVE_S = 2.0
PARTS_FROM = 5 * 1024**3  # bytes; what a storage of the real Hub's kind takes in one piece
GRACE_S = 5  # for requests in flight when the server is told to stop


class EmbeddedHub:
    """A Hub on loopback over one data folder. Use it as a context manager, or call `start` and `stop`."""

    def __init__(
        self,
        data: Path,
        *,
        port: int = 0,
        users: Path | None = None,
        faults: Path | None = None,
        parts_from: int = PARTS_FROM,
        pages: Pages | None = None,
    ) -> None:
        """Name the data folder, the port (0: any that is free), a users file and a faults file.

        A file of more than `parts_from` bytes is asked for in parts. `pages` renders repos for people, at
        `/owner/name`. Nothing is opened yet.
        """
        self._data = data.absolute()
        self._port = port
        self._users = users
        self._faults = faults
        self._parts_from = parts_from
        self._pages = pages
        self._url = ""
        self._thread: threading.Thread | None = None
        self._server: uvicorn.Server | None = None
        self._open = contextlib.ExitStack()

    @property
    def url(self) -> str:
        """The address, once started."""
        return self._url

    @property
    def token(self) -> str:
        """The owner's token: the user `local`, who may write in every namespace and sees everything."""
        from publisher.staging.auth import owner_token
        from publisher.staging.durable import make_folders

        make_folders(self._data)
        return owner_token(self._data)

    def start(self) -> None:
        """Serve from a thread of this process; returns when connections are accepted.

        Raises:
            HubpubError: HP-X03 when another server has the folder, HP-X04 when the port is taken, HP-M09 when the
                users file or the faults file is none.
        """
        server, listening = self._prepare()
        self._thread = threading.Thread(
            target=server.run, kwargs={"sockets": [listening]}, name="embedded-hub", daemon=True
        )
        self._thread.start()
        deadline = time.monotonic() + START_S
        while not server.started:
            if not self._thread.is_alive() or time.monotonic() > deadline:
                self.stop()
                raise HubpubError(
                    "HP-Z01", "the embedded Hub did not start", hint="run again; if it stays, report it"
                )
            time.sleep(0.002)

    def serve_forever(self) -> None:
        """Serve in the foreground until SIGTERM or SIGINT, then finish what is in flight and return.

        Raises:
            HubpubError: as `start` does.
        """
        server, listening = self._prepare()
        try:
            # uvicorn raises the signal again once it is done; here it has been heard.
            with contextlib.suppress(KeyboardInterrupt), _terminate_quietly():
                server.run(sockets=[listening])
        finally:
            self.stop()

    def stop(self) -> None:
        """Finish what is in flight, stop serving and leave the folder to others."""
        if self._server is not None:
            self._server.should_exit = True
        if self._thread is not None:
            self._thread.join()
        self._thread = self._server = None
        self._open.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _prepare(self) -> tuple[uvicorn.Server, socket.socket]:
        """Take the folder and the port, open the state, and write down where the server is."""
        import uvicorn

        from publisher.staging.app import build_app
        from publisher.staging.durable import make_folders, write_file
        from publisher.staging.state import open_state

        make_folders(self._data)
        with contextlib.ExitStack() as stack:
            lock = _lock(self._data)
            stack.callback(lock.release)
            listening = _listen(self._port, self._data)
            stack.callback(listening.close)
            self._url = f"http://{HOST}:{listening.getsockname()[1]}"
            state = open_state(self._data, self._users, parts_from=self._parts_from)
            stack.callback(state.close)
            instance = secrets.token_hex(8)
            http, inner = self._injection()
            config = uvicorn.Config(
                build_app(state, instance=instance, inner=inner, pages=self._pages),
                loop="asyncio",
                http=http,
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_keep_alive=60,
                timeout_graceful_shutdown=GRACE_S,
            )
            whereabouts = self._data / "server.json"
            content = {"url": self._url, "pid": os.getpid(), "instance": instance}
            write_file(whereabouts, json.dumps(content).encode())
            stack.callback(whereabouts.unlink, missing_ok=True)
            self._server = uvicorn.Server(config)
            self._open = stack.pop_all()
        return self._server, listening

    def _injection(self) -> tuple[Literal["h11"] | type[asyncio.Protocol], list[Middleware]]:
        """How connections are spoken to, and what stands before the handlers."""
        if self._faults is None:
            return "h11", []
        from starlette.middleware import Middleware

        from publisher.staging.app import endpoints
        from publisher.staging.faults import Injection, load_faults, protocol

        faults = load_faults(self._faults, endpoints(), told_in=self._data / "faults.jsonl")
        return protocol(faults.connections), [Middleware(Injection, faults=faults)]


def running(data: Path) -> str | None:
    """The address of the server that has this data folder, if one is alive."""
    try:
        written = json.loads((data / "server.json").read_text())
        url, instance = str(written["url"]), str(written["instance"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    place = urlsplit(url)
    connection = http.client.HTTPConnection(place.hostname or HOST, place.port, timeout=ALIVE_S)
    try:
        connection.request("GET", "/api/instance")
        # A number of its own, because after a crash the port may be somebody else's.
        alive = connection.getresponse().read() == instance.encode()
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
    return url if alive else None


def _lock(data: Path) -> BaseFileLock:
    from filelock import FileLock, Timeout

    lock = FileLock(data / "hub.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise HubpubError(
            "HP-X03",
            "another embedded Hub serves this data folder",
            where=str(data),
            hint="stop it, or name another folder",
        ) from error
    return lock


def _listen(port: int, data: Path) -> socket.socket:
    # With the protocol named, asyncio turns Nagle's algorithm off; without it each answer waits 40 ms for an ACK.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((HOST, port))
        listening.listen(128)
    except OSError as error:
        listening.close()
        raise HubpubError(
            "HP-X04",
            f"port {port} cannot be used: {error.strerror}",
            where=str(data),
            hint="choose another with --port, or leave it out",
        ) from error
    return listening


@contextlib.contextmanager
def _terminate_quietly() -> Iterator[None]:
    """Let SIGTERM, which uvicorn hears and then raises again, end in a return instead of in a death."""
    import signal

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, lambda *_: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
