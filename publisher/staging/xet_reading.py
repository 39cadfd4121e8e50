"""Reading large files as Xet clients do: which chunks make up a file, and the chunks themselves.

The bytes lie here whole, so chunks are made while they are sent, each a header and a piece of the file as it is. A
file's Xet hash is its sha256 here: a client asks by it and, up to hf_xet 1.8, does not compute it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from starlette.responses import JSONResponse, Response, StreamingResponse

from publisher.staging.call import Call
from publisher.staging.large import checked_oid
from publisher.staging.responses import RefusalError, entry_not_found
from publisher.staging.signed import check_signed, check_signed_path, signed, signed_path

CHUNK = 64 * 1024  # bytes of a file in one chunk
TERM = 256  # chunks that a client asks for at once
HEADER = 8  # bytes: version, length as sent (3), how it is compressed, length (3)
_FRAME = HEADER + CHUNK
_RANGE = re.compile(r"bytes=([0-9]{1,18})-([0-9]{1,18})")


def read_token(call: Call) -> Response:
    """GET .../xet-read-token/{revision}: an address that the repo's files can be read at for a while."""
    repo = call.open_repo()
    call.git(repo).resolve(call.params["revision"])
    address, expires = signed_path(call, f"/xet/{repo.number}")
    return JSONResponse(
        {"casUrl": address, "accessToken": "in-the-address", "exp": expires},
        headers={
            "X-Xet-Cas-Url": address,
            "X-Xet-Access-Token": "in-the-address",
            "X-Xet-Token-Expiration": str(expires),
        },
    )


def reconstruction(call: Call) -> Response:
    """GET /xet/{number}/{expires}/{signature}/v1/reconstructions/{oid}: the chunks that a range of a file is in.

    Raises:
        RefusalError: 403 for an address that is not valid, 404 for a file that is none of the repo's, 416 behind its end.
    """
    check_signed_path(call, f"/xet/{call.params['number']}")
    number, oid = int(call.params["number"]), checked_oid(call.params["oid"])
    size = _size(call, number, oid)
    first, last = _range(call, size)
    chunks = range(first // CHUNK, last // CHUNK + 1)
    terms, fetched = [], []
    for start in range(chunks.start, chunks.stop, TERM):
        stop = min(start + TERM, chunks.stop)
        inside = {"start": start, "end": stop}
        length = min(stop * CHUNK, size) - start * CHUNK
        terms.append({"hash": oid, "unpacked_length": length, "range": inside})
        sent = {"start": start * _FRAME, "end": start * _FRAME + length + (stop - start) * HEADER - 1}
        address = signed(call, f"/xet/{number}/{oid}", size=size)
        fetched.append({"range": inside, "url": address, "url_range": sent})
    offset = first - chunks.start * CHUNK
    return JSONResponse({"offset_into_first_range": offset, "terms": terms, "fetch_info": {oid: fetched}})


def chunks(call: Call) -> Response:
    """GET /xet/{number}/{oid}: a range of a file's chunks, with their headers.

    Raises:
        RefusalError: 403, 404, 416.
    """
    size = check_signed(call)["size"]
    number, oid = int(call.params["number"]), checked_oid(call.params["oid"])
    _size(call, number, oid)
    total = size + -(-size // CHUNK) * HEADER
    first, last = _range(call, total)
    headers = {"Content-Range": f"bytes {first}-{last}/{total}", "Content-Length": str(last - first + 1)}
    return StreamingResponse(_framed(call.state.large.path(oid), size, first, last + 1), 206, headers)


def _framed(path: Path, size: int, first: int, end: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(first // _FRAME * CHUNK)
        for start in range(first // _FRAME * _FRAME, end, _FRAME):
            length = min(CHUNK, size - start // _FRAME * CHUNK).to_bytes(3, "little")
            frame = b"\0" + length + b"\0" + length + file.read(CHUNK)
            yield frame[max(first - start, 0) : end - start]


def _size(call: Call, number: int, oid: str) -> int:
    if not call.state.large.linked(number, oid):
        raise entry_not_found(f"No large file {oid}")
    return call.state.large.path(oid).stat().st_size


def _range(call: Call, size: int) -> tuple[int, int]:
    """First byte and last; a range that is none of the kind that these clients send is taken for everything."""
    match = _RANGE.fullmatch(call.headers.get("range", ""))
    first, last = (int(match[1]), min(int(match[2]), size - 1)) if match else (0, size - 1)
    if first > last:
        headers = {"Content-Range": f"bytes */{size}"}
        raise RefusalError(416, "Nothing of the file lies in that range", headers=headers)
    return first, last
