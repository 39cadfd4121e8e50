"""Reading what a request brings: a small body into memory, a large one to disk, a refused one to nowhere."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request

from publisher.staging.durable import AsideFile
from publisher.staging.responses import RefusalError

LARGEST_JSON = 8 * 1024 * 1024  # bytes of a body that is held in memory
GATHER = 4 * 1024 * 1024  # bytes of a streamed body that are written at once
DRAIN = 8 * 1024 * 1024  # bytes of a refused body that are read, so that the client gets to see the refusal


async def in_memory(request: Request) -> bytes:
    """The whole body.

    Raises:
        RefusalError: 413.
    """
    check_length(request, LARGEST_JSON)
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > LARGEST_JSON:
            raise _too_large(LARGEST_JSON)
    return bytes(body)


async def to_disk(request: Request, aside: AsideFile, limit: int) -> None:
    """Write the body to a file while it comes in.

    Raises:
        RefusalError: 413.
    """
    pieces: list[bytes] = []
    gathered = 0
    async for piece in request.stream():
        pieces.append(piece)
        gathered += len(piece)
        if gathered >= GATHER:
            await run_in_threadpool(aside.write, pieces)
            pieces, gathered = [], 0
        if aside.size + gathered > limit:
            raise _too_large(limit)
    await run_in_threadpool(aside.write, pieces)


async def drain(request: Request) -> None:
    """Read a body that nobody wants."""
    drained = 0
    try:
        async for piece in request.stream():
            drained += len(piece)
            if drained > DRAIN:
                return
    except (ClientDisconnect, RuntimeError):  # starlette's word for a body that was read already
        return


def check_length(request: Request, limit: int) -> None:
    """Refuse a body that says itself that it is too large.

    Raises:
        RefusalError: 413.
    """
    length = request.headers.get("content-length", "0")
    if length.isdecimal() and int(length) > limit:
        raise _too_large(limit)


def _too_large(limit: int) -> RefusalError:
    return RefusalError(413, f"The body may have {limit} bytes")
