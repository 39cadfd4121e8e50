"""What is round every answer: its number, and a Hub's words for addresses that are none of its own."""

from __future__ import annotations

import re
import uuid

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from publisher.staging.responses import RefusalError, repo_not_found

REQUEST_ID = "X-Request-Id"
# What may be sent back: a line break in it would be a header of its own.
_ID = re.compile(r"[A-Za-z0-9_=;:.-]{1,128}")
_OTHER_KINDS = re.compile(r"(/api)?/(spaces|kernels|buckets)(/.+)?")
# A repo that no owner stands before, as `gpt2` was: there is none here, but clients ask for such by mistake.
_NO_OWNER = re.compile(
    r"/api/(model|dataset)s/[^/]+"
    r"(/(revision|tree|commits|resolve|commit|preupload|paths-info|branch|tag|super-squash|discussions)/.+)?"
    r"|(/datasets)?/[^/]+/(resolve|raw)/.+"
)


def numbered(app: ASGIApp) -> ASGIApp:
    """Give every answer the number of its request: the client's own, or a new one. Errors name it."""

    async def answered(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        sent = Headers(scope=scope)
        own = sent.get("x-request-id") or sent.get("x-amzn-trace-id") or ""
        number = own if _ID.fullmatch(own) else str(uuid.uuid4())

        async def send_numbered(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[REQUEST_ID] = number
            await send(message)

        await app(scope, receive, send_numbered)

    return answered


def no_such_address(request: Request, _: Exception) -> Response:
    """404, which the client takes for a missing repo where a repo is what was asked for."""
    path = request.url.path
    if other := _OTHER_KINDS.fullmatch(path):
        code = "RepoNotFound" if other[3] else None  # one of them, or the list of all
        refusal = RefusalError(404, f"This Hub holds models and datasets only, no {other[2]}", code=code)
    elif _NO_OWNER.fullmatch(path):
        refusal = repo_not_found(signed_in="authorization" in request.headers)
    else:
        refusal = RefusalError(404, f"This Hub does not answer {request.method} {path}")
    return refused(refusal)


def refused(refusal: RefusalError) -> Response:
    """An error as an answer."""
    return JSONResponse(refusal.all_body(), refusal.status, refusal.all_headers())
