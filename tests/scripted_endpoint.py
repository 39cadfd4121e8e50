"""A server on loopback that speaks OpenAI's chat completions and answers by script: the right JSON, or any fault.

What it was asked is kept, so that tests can count requests. Whoever needs an enhanced dataset without a model, starts one.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from loopback import served
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_NUMBERED = re.compile(r"^(\d+)\. (.+)$", re.MULTILINE)
_HOW_MANY_NEW = re.compile(r"Write also (\d+) new")


@dataclass(frozen=True)
class Reply:
    """One HTTP answer; `hang_s` seconds of silence come before it."""

    body: bytes
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    hang_s: float = 0


Script = Callable[[int, dict[str, Any]], Reply]


@dataclass
class ScriptedEndpoint:
    """What a test holds in its hands.

    Attributes:
        url: the `base_url`.
        asked: the bodies of all requests, in the order they came.
        at: when each of them came, monotonic seconds.
        keys: the Authorization header of each.
        most_open: the most requests that were open at a time.
        script: maps the request's number, from 0, and its body to a reply; may be set anew at any time.
    """

    url: str = ""
    asked: list[dict[str, Any]] = field(default_factory=list)
    at: list[float] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    most_open: int = 0
    _open: int = 0
    script: Script = field(default=lambda number, body: _always_obliging(number, body))

    def forget(self) -> None:
        """As if it had just been started."""
        self.asked, self.at, self.keys, self.most_open = [], [], [], 0
        self.script = _always_obliging

    async def chat_completions(self, request: Request) -> Response:
        body = await request.json()
        number = len(self.asked)
        self.asked.append(body)
        self.at.append(time.monotonic())
        self.keys.append(request.headers["authorization"])
        reply = self.script(number, body)
        self._open += 1
        self.most_open = max(self.most_open, self._open)
        try:
            until = time.monotonic() + reply.hang_s
            while (left := until - time.monotonic()) > 0 and not await request.is_disconnected():
                await asyncio.sleep(min(left, 0.05))
        finally:
            self._open -= 1
        headers = {"content-type": "application/json", **reply.headers}
        return Response(reply.body, status_code=reply.status, headers=headers)


def completion(content: str | None, *, refusal: str | None = None, finish_reason: str = "stop") -> Reply:
    """A reply in the wire's form, at a price of 1000 tokens in and 100 out."""
    message = {"role": "assistant", "content": content, "refusal": refusal}
    body = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 0,
        "model": "scripted-2026-11-30",
        "choices": [{"index": 0, "message": message, "finish_reason": finish_reason}],
        "usage": {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100},
    }
    return Reply(json.dumps(body).encode())


def fault(status: int, message: str, code: str | None = None, **headers: str) -> Reply:
    """An error as OpenAI words it; `retry_after="1"` becomes a header."""
    body = json.dumps({"error": {"message": message, "type": "error", "code": code}}).encode()
    return Reply(body, status, {name.replace("_", "-"): value for name, value in headers.items()})


def obliging(body: dict[str, Any]) -> Reply:
    """What a good model would say: each expression turned a little, and as many new ones as are asked for."""
    words = words_of(body)
    new = _HOW_MANY_NEW.search(words)
    content = {
        "variations": [
            {"number": int(number), "text": f"Look for {text}."} for number, text in _NUMBERED.findall(words)
        ],
        "unique": [f"the one with mark {number}" for number in range(1, int(new[1]) + 1 if new else 1)],
    }
    return completion(json.dumps(content))


def _always_obliging(_: int, body: dict[str, Any]) -> Reply:
    return obliging(body)


def words_of(body: dict[str, Any]) -> str:
    """The text of a request."""
    texts: list[str] = [part["text"] for part in body["messages"][0]["content"] if part["type"] == "text"]
    return "\n".join(texts)


@contextmanager
def scripted_endpoint() -> Iterator[ScriptedEndpoint]:
    """Serve on a free port of loopback for the length of a block."""
    endpoint = ScriptedEndpoint()
    app = Starlette(routes=[Route("/v1/chat/completions", endpoint.chat_completions, methods=["POST"])])
    with served(app) as url:
        endpoint.url = f"{url}/v1"
        yield endpoint
