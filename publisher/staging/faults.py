"""Faults on purpose: a file of rules that says which call fails, when, and how.

The rules' format is told in docs/embedded-hub.md. A fault stands before the handlers, so that what is behind it
behaves as it always does: a full disk, for one, is an error of the operating system in the middle of a body.
"""

from __future__ import annotations

import asyncio
import errno
import json
import random
from collections.abc import Collection
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from publisher.errors import HubpubError

DRAIN = 8 * 1024 * 1024  # bytes of a body that are read, so that the client gets to see the answer
Count = Annotated[int, Field(ge=1)]
Bytes = Annotated[int, Field(ge=0)]

# One transport for each connection, by the address of its other end.
Connections = dict[tuple[str, int], asyncio.Transport]


class Rule(BaseModel):
    """Which calls (all of `endpoint`, `method`, `path`), which of them (`at` or `chance`; else all), and what happens."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    endpoint: str = "*"
    method: str = "*"
    path: str = "*"
    at: tuple[Count, ...] | None = None
    chance: Annotated[float, Field(ge=0, le=1)] | None = None

    delay_s: Annotated[float, Field(ge=0, le=3600)] = 0
    status: Annotated[int, Field(ge=400, le=599)] | None = None
    retry_after: Annotated[int, Field(ge=0)] | None = None
    headers: dict[str, str] = {}
    drop: bool = False
    truncate_after: Bytes | None = None
    disk_full_after: Bytes | None = None
    after_work: bool = False

    @field_validator("at", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        return [value] if isinstance(value, int) else value

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        ends = [self.status is not None, self.drop]
        cuts = [self.truncate_after is not None, self.disk_full_after is not None]
        if sum(ends + cuts) > 1:
            raise ValueError("status, drop, truncate_after and disk_full_after exclude one another")
        if not any(ends + cuts) and not self.delay_s:
            raise ValueError(
                "say what happens: status, drop, truncate_after, disk_full_after or at least delay_s"
            )
        if self.at is not None and self.chance is not None:
            raise ValueError("at and chance exclude one another")
        if self.status is None and (self.retry_after is not None or self.headers):
            raise ValueError("retry_after and headers go with status")
        if self.after_work and any(cuts):
            raise ValueError("after_work goes with status, drop and delay_s")
        return self

    def matches(self, endpoint: str, method: str, path: str) -> bool:
        """Whether a call is one of this rule's."""
        if self.truncate_after is not None and method == "HEAD":
            return False  # there is no body to cut
        return (
            fnmatchcase(endpoint, self.endpoint)
            and fnmatchcase(method, self.method.upper())
            and fnmatchcase(path, self.path)
        )


class _FaultsFile(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    seed: int = 0
    rules: list[Rule]


class Faults:
    """The rules of one server, with how often each was met. Used by the server's event loop only."""

    def __init__(self, rules: Collection[Rule], *, seed: int, told_in: Path) -> None:
        self.connections: Connections = {}
        self._rules = list(rules)
        self._calls = [0] * len(rules)
        # Each rule draws for itself: what one meets changes nothing for another.
        self._draws = [random.Random(f"{seed}/{number}") for number in range(len(rules))]
        self._told_in = told_in

    def next_for(self, endpoint: str, method: str, path: str) -> Rule | None:
        """What happens to this call. Every rule that it matches counts it; the first that strikes is taken."""
        struck = None
        for number, rule in enumerate(self._rules):
            if not rule.matches(endpoint, method, path):
                continue
            self._calls[number] += 1
            strikes = rule.at is None or self._calls[number] in rule.at
            if rule.chance is not None:
                strikes = self._draws[number].random() < rule.chance
            if strikes and struck is None:
                struck = number
        if struck is None:
            return None
        told = {"rule": struck + 1, "call": self._calls[struck], "endpoint": endpoint}
        with self._told_in.open("a", encoding="utf-8") as file:
            file.write(json.dumps({**told, "method": method, "path": path}) + "\n")
        return self._rules[struck]


def load_faults(path: Path, endpoints: Collection[str], *, told_in: Path) -> Faults:
    """Read a faults file; each fault that strikes is told in `told_in`, a JSON object a line.

    Raises:
        HubpubError: HP-M09 when the file cannot be read, is not of that shape, or names an endpoint that is none.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        read = _FaultsFile.model_validate(YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, YAMLError) as error:
        raise _no_faults_file(path, f"it cannot be read as YAML: {error}") from error
    except ValidationError as error:
        faults = (
            f"{'.'.join(str(part) for part in each['loc']) or 'the file'}: {each['msg']}"
            for each in error.errors()
        )
        raise _no_faults_file(path, "; ".join(faults)) from error
    for number, rule in enumerate(read.rules):
        if not any(fnmatchcase(name, rule.endpoint) for name in endpoints):
            known = ", ".join(sorted(endpoints))
            raise _no_faults_file(
                path, f"rules.{number}: no endpoint is named {rule.endpoint}; there are {known}"
            )
    return Faults(read.rules, seed=read.seed, told_in=told_in)


def _no_faults_file(path: Path, why: str) -> HubpubError:
    return HubpubError(
        "HP-M09",
        f"{path.name} is no faults file: {why}",
        where=str(path),
        hint="write it as: rules: [{endpoint: commits.commit, at: 1, status: 503}]; see docs/embedded-hub.md",
    )


def protocol(connections: Connections) -> type[asyncio.Protocol]:
    """The server's protocol, which keeps hold of each connection so that a fault can cut it."""

    class Tracked(H11Protocol):
        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            connections[transport.get_extra_info("peername")] = transport
            super().connection_made(transport)

        def connection_lost(self, exc: Exception | None) -> None:
            connections.pop(self.transport.get_extra_info("peername"), None)
            super().connection_lost(exc)

    return Tracked


class Injection:
    """The middleware: lets a call through, or lets happen to it what a rule says."""

    def __init__(self, app: ASGIApp, faults: Faults) -> None:
        self._app = app
        self._faults = faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one call."""
        rule = self._faults.next_for(scope["endpoint"].__name__, scope["method"], scope["path"])
        if rule is None:
            await self._app(scope, receive, send)
            return
        kept: list[Message] = []
        if rule.after_work:
            await self._app(scope, receive, _keeper(kept, wanted=rule.status is None and not rule.drop))
        await asyncio.sleep(rule.delay_s)
        if rule.drop:
            await self._cut(scope, receive, flush=False)
        elif rule.status is not None:
            if not rule.after_work:
                await _drain(receive)
            await _refusal(rule)(scope, receive, send)
        elif rule.after_work:
            for message in kept:
                await send(message)
        elif rule.truncate_after is not None:
            await self._truncate(scope, receive, send, rule.truncate_after)
        elif rule.disk_full_after is not None:
            await self._app(scope, _full_disk(receive, rule.disk_full_after), send)
        else:
            await self._app(scope, receive, send)

    async def _truncate(self, scope: Scope, receive: Receive, send: Send, left: int) -> None:
        cut = False

        async def send_some(message: Message) -> None:
            nonlocal left, cut
            body = message.get("body", b"")
            if cut or len(body) < left or message["type"] != "http.response.body":
                left -= len(body)
                if not cut:
                    await send(message)
                return
            cut = True
            await send({**message, "body": body[:left], "more_body": True})
            self._faults.connections[scope["client"]].close()  # once what was sent has left

        await self._app(scope, receive, send_some)
        if cut:
            await self._cut(scope, receive, flush=True)

    async def _cut(self, scope: Scope, receive: Receive, *, flush: bool) -> None:
        """Close the connection and wait until it is: a call that ends before would still be answered."""
        transport = self._faults.connections.get(scope["client"])
        if transport is not None:
            transport.close() if flush else transport.abort()
        while (await receive())["type"] != "http.disconnect":
            pass


def _keeper(kept: list[Message], *, wanted: bool) -> Send:
    async def keep(message: Message) -> None:
        if wanted:
            kept.append(message)

    return keep


def _full_disk(receive: Receive, left: int) -> Receive:
    """Let some bytes of a body through, then fail, once, as the disk would."""
    struck, more = False, True

    async def receive_some() -> Message:
        nonlocal left, struck, more
        if struck:
            # Whoever reads on after the failure comes to the end of the body, not to a wait for ever.
            return await receive() if more else {"type": "http.request", "body": b"", "more_body": False}
        if left <= 0:
            struck = True
            raise OSError(errno.ENOSPC, "No space left on device")
        message = await receive()
        body, more = message.get("body", b""), message.get("more_body", False)
        if len(body) >= left:
            message = {**message, "body": body[:left], "more_body": True}
        left -= len(body)
        return message

    return receive_some


def _refusal(rule: Rule) -> JSONResponse:
    text = f"A fault of status {rule.status}, made on purpose"
    headers = {"X-Error-Message": text, **rule.headers}
    if rule.retry_after is not None:
        headers["Retry-After"] = str(rule.retry_after)
    return JSONResponse({"error": text}, rule.status or 500, headers)


async def _drain(receive: Receive) -> None:
    drained, more = 0, True
    while more and drained <= DRAIN:
        message = await receive()
        drained += len(message.get("body", b""))
        more = message.get("more_body", False)
