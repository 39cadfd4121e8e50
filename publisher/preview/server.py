"""The local server of a preview: loopback only, and answering only to its own name."""

from __future__ import annotations

import asyncio
import secrets
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from publisher.errors import HubpubError
from publisher.preview import site
from publisher.preview.live import IMAGE_BYTES, IMAGES, Live, read_file
from publisher.preview.watch import changes

HOST = "127.0.0.1"
NAMES = (HOST, "localhost")  # what a page that another site leads to this address by is not called
POLL_SECONDS = 0.05
QUIET_SECONDS = 15.0  # after which a word is sent, so that a connection nobody reads any more is noticed


def application(live: Live, watched: Callable[[], Sequence[Path]]) -> Starlette:
    """The pages, the files beside the cards, and word of what was saved."""

    def page(request: Request) -> Response:
        shown = live.shown()
        tab = request.path_params.get("tab") or (shown.cards[0].tab if shown.cards else "")
        current = live.page(tab, shown)
        if current is None and not shown.troubles:
            return PlainTextResponse(f"there is no artifact {tab}", 404)
        nonce = secrets.token_urlsafe(16)
        tabs = [card.tab for card in shown.cards]
        text = site.served(tabs, [current] if current else [], shown.troubles, shown.version, nonce)
        return HTMLResponse(text, headers=_safe(site.policy(nonce)))

    def file(request: Request) -> Response:
        card = next((c for c in live.shown().cards if c.tab == request.path_params["tab"]), None)
        path = str(request.path_params["path"])
        content = read_file(card.source, path, IMAGE_BYTES) if card else None
        if content is None:
            return PlainTextResponse("not here", 404)
        kind = IMAGES.get(Path(path).suffix.lower(), "text/plain; charset=utf-8")
        return Response(content, media_type=kind, headers=_safe("default-src 'none'; sandbox"))

    async def events(request: Request) -> Response:
        async def stream() -> AsyncIterator[str]:
            told, waited = -1, 0.0
            while not await request.is_disconnected():
                if told != live.version or waited >= QUIET_SECONDS:
                    told, waited = live.version, 0.0
                    yield f"data: {told}\n\n"
                await asyncio.sleep(POLL_SECONDS)
                waited += POLL_SECONDS

        return StreamingResponse(
            stream(), media_type="text/event-stream", headers={"Cache-Control": "no-store"}
        )

    @asynccontextmanager
    async def watching(_: Starlette) -> AsyncIterator[None]:
        stop = asyncio.Event()
        task = asyncio.create_task(changes(watched, live.changed, stop))
        yield
        stop.set()
        await task

    return Starlette(
        routes=[
            Route("/", page),
            Route("/events", events),
            Route("/files/{tab}/{path:path}", file),
            Route("/{tab}", page),
        ],
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=list(NAMES))],
        lifespan=watching,
    )


def listen(port: int) -> socket.socket:
    """A socket on loopback; port 0 takes any free one.

    Raises:
        HubpubError: HP-X04, the port is taken.
    """
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((HOST, port))
        made.listen()
    except OSError as error:
        made.close()
        raise HubpubError(
            "HP-X04",
            f"port {port} is taken",
            hint="another --port, or 0 for any free one",
            where=f"{HOST}:{port}",
        ) from error
    return made


def serve(live: Live, watched: Callable[[], Sequence[Path]], bound: socket.socket) -> None:
    """Answer until interrupted."""
    settings = uvicorn.Config(
        application(live, watched), log_level="error", lifespan="on", timeout_graceful_shutdown=1
    )
    uvicorn.Server(settings).run(sockets=[bound])


def _safe(policy: str) -> dict[str, str]:
    return {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cache-Control": "no-store",
    }
