"""A CI provider on this machine: it signs what its jobs are, and answers as GitHub's runner does."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt

KEY = "a secret of the issuer's that is long enough"
ISSUER = "https://ci.example"
JOB = {"repository": "acme/training", "ref": "refs/heads/main"}
VARIABLES = (
    "HF_TOKEN",
    "HF_OIDC_RESOURCE",
    "HF_OIDC_ID_TOKEN",
    "ACTIONS_ID_TOKEN_REQUEST_URL",
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
)


def id_token(audience: str, **changed: Any) -> str:
    """What the provider says of a job; anything may be changed, and None leaves it out."""
    said = {"iss": ISSUER, "aud": audience, "exp": int(time.time()) + 300, "sub": "job", **JOB, **changed}
    return jwt.encode({name: value for name, value in said.items() if value is not None}, KEY)


def trusted(*resources: str, **settings: Any) -> list[dict[str, Any]]:
    """Entries of a users file: these resources trust the job."""
    return [
        {"resource": resource, "issuer": ISSUER, "key": KEY, "claims": JOB, **settings}
        for resource in resources
    ]


class Runner:
    """What GitHub gives to a job that may ask for ID tokens: an address, and a secret for it."""

    def __init__(self) -> None:
        self.asked: list[str] = []  # audiences
        self.claims: dict[str, Any] = {}
        self.status = 200
        runner = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                """Quiet."""

            def do_GET(self) -> None:
                (audience,) = parse_qs(urlsplit(self.path).query)["audience"]
                allowed = self.headers["Authorization"] == "Bearer of-this-job"
                runner.asked.append(audience)
                body = json.dumps({"value": id_token(audience, **runner.claims)}).encode()
                self.send_response(runner.status if allowed else 403)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def variables(self) -> dict[str, str]:
        """The job's environment."""
        return {
            "ACTIONS_ID_TOKEN_REQUEST_URL": f"http://127.0.0.1:{self._server.server_port}/token?api=2",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "of-this-job",
        }

    def stop(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@contextmanager
def running_runner() -> Iterator[Runner]:
    """A runner for the length of a block."""
    runner = Runner()
    try:
        yield runner
    finally:
        runner.stop()
