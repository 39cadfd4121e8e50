"""One embedded Hub, our client for it, and a relay in front that makes what networks do to answers."""

from __future__ import annotations

import http.client
import itertools
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest
from huggingface_hub import constants

from publisher.hub.remote import RemoteHub
from publisher.records.artifacts import RepoRef
from publisher.staging.server import EmbeddedHub

USERS = """
- name: alice
  organisations: [acme]
  tokens: [{token: hf_alicewrites, role: write}, {token: hf_alicereads, role: read}]
"""
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "host", "content-length"}
_names = itertools.count(1)


@dataclass(frozen=True)
class Fault:
    """What happens to requests of a method whose path contains a text, so many times.

    `how`: `429` or `503` (with Retry-After), `close` (no answer), `lost` (done, and the answer never comes),
    `cut` (half of the body), `html` (a page instead of an answer).
    """

    method: str
    path: str
    how: str
    times: int = 1


class Relay:
    """Hands requests on to a Hub; a fault is used up by the requests that it hits."""

    def __init__(self, target: str) -> None:
        self._left: list[list[object]] = []
        self.seen: list[tuple[str, str]] = []
        relay, place = self, urlsplit(target)

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                """Quiet."""

            def answer(self) -> None:
                body = self._body()
                relay.seen.append((self.command, self.path))
                how = relay._take(self.command, self.path)
                if how == "close":
                    self.close_connection = True
                    return
                if how in ("429", "503"):
                    self._reply(int(how), [("Retry-After", "7")], b"{}")
                    return
                if how == "html":
                    self._reply(200, [("Content-Type", "text/html")], b"<h1>Log in to this network</h1>")
                    return
                headers = {k: v for k, v in self.headers.items() if k.lower() not in HOP_BY_HOP}
                upstream = http.client.HTTPConnection(str(place.hostname), place.port, timeout=20)
                upstream.request(self.command, self.path, body, {**headers, "Host": self.headers["Host"]})
                got = upstream.getresponse()
                content = got.read()
                upstream.close()
                if how == "lost":
                    self.close_connection = True
                    return
                kept = [(k, v) for k, v in got.getheaders() if k.lower() not in HOP_BY_HOP]
                self._reply(got.status, kept, content, cut=how == "cut")

            def _body(self) -> bytes:
                if "chunked" not in self.headers.get("Transfer-Encoding", ""):
                    return self.rfile.read(int(self.headers.get("Content-Length", 0)))
                pieces = []
                while size := int(self.rfile.readline(), 16):
                    pieces.append(self.rfile.read(size))
                    self.rfile.readline()
                self.rfile.readline()
                return b"".join(pieces)

            def _reply(
                self, status: int, headers: list[tuple[str, str]], body: bytes, *, cut: bool = False
            ) -> None:
                self.send_response(status)
                for key, value in headers:
                    self.send_header(key, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body[: len(body) // 2] if cut else body)
                if cut:
                    self.close_connection = True

            do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = answer

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def add(self, fault: Fault) -> None:
        """Let something go wrong from now on."""
        self._left.append([fault, fault.times])

    def _take(self, method: str, path: str) -> str:
        for entry in self._left:
            fault, left = entry
            if isinstance(fault, Fault) and left and fault.method == method and fault.path in path:
                entry[1] = int(str(left)) - 1
                return fault.how
        return ""

    def stop(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture(scope="session")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedHub]:
    folder = tmp_path_factory.mktemp("hub-room")
    (folder / "users.yaml").write_text(USERS)
    with EmbeddedHub(folder / "data", users=folder / "users.yaml") as running:
        yield running


@dataclass(frozen=True)
class Waits:
    """Seconds that were asked for between attempts; nobody waits for them here."""

    seconds: list[float] = field(default_factory=list)


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> Waits:
    """Our own waits are written down instead of waited for; the client's own are passed over."""
    waited = Waits()
    monkeypatch.setattr("tenacity.nap.time", SimpleNamespace(sleep=waited.seconds.append))
    asleep = SimpleNamespace(**{**vars(time), "sleep": lambda _: None})
    monkeypatch.setattr("huggingface_hub.utils._http.time", asleep)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    return waited


@pytest.fixture(scope="session")
def hub(embedded: EmbeddedHub) -> RemoteHub:
    """As the owner of the data folder."""
    return RemoteHub(embedded.url, embedded.token, "local")


@pytest.fixture
def ref(hub: RemoteHub) -> RepoRef:
    """A fresh private model repo of alice's."""
    made = RepoRef(f"alice/model-{next(_names)}")
    hub.create(made, private=True)
    return made


@pytest.fixture
def relay(embedded: EmbeddedHub) -> Iterator[Relay]:
    running = Relay(embedded.url)
    yield running
    running.stop()


@pytest.fixture
def through(relay: Relay, embedded: EmbeddedHub) -> Callable[..., RemoteHub]:
    """The Hub through a relay on which faults happen: `through(("GET", "/tree/", "cut"))`."""

    def make(*faults: tuple[str, str, str] | tuple[str, str, str, int]) -> RemoteHub:
        for fault in faults:
            relay.add(Fault(*fault))
        return RemoteHub(relay.url, embedded.token, "local")

    return make


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """Weights, which go over LFS whatever their size."""
    file = tmp_path / "model.safetensors"
    file.write_bytes(bytes(range(256)) * 64)
    return file
