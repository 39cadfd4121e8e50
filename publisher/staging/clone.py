"""Reading with git itself: `git clone http://127.0.0.1:PORT/owner/name`. There is no push; commits come over the API."""

from __future__ import annotations

import zlib
from io import BytesIO

from starlette.responses import Response

from publisher.staging.call import Call
from publisher.staging.repos import Repo
from publisher.staging.responses import RefusalError, bad_request, forbidden

SERVICE = "git-upload-pack"
LARGEST_REQUEST = 8 * 1024 * 1024  # bytes, unpacked


def advertise(call: Call) -> Response:
    """GET /{repo}[.git]/info/refs?service=git-upload-pack: what there is to fetch."""
    if call.query("service") != SERVICE:
        raise forbidden("This Hub is read with git's smart protocol, and takes no pushes")
    repo = _readable(call)
    return _answer(f"application/x-{SERVICE}-advertisement", _talk(call, repo, b"", advertise_refs=True))


def upload_pack(call: Call) -> Response:
    """POST /{repo}[.git]/git-upload-pack: the objects that the caller lacks."""
    repo = _readable(call)
    return _answer(f"application/x-{SERVICE}-result", _talk(call, repo, _request(call), advertise_refs=False))


def _readable(call: Call) -> Repo:
    """The repo; git sends its credentials only once it is asked for them."""
    try:
        return call.open_repo()
    except RefusalError as refusal:
        if call.user is None and refusal.status != 307:
            ask = {"WWW-Authenticate": 'Basic realm="embedded Hub: any name, and a token as the password"'}
            raise RefusalError(401, refusal.message, code=refusal.code, headers=ask) from refusal
        raise


def _talk(call: Call, repo: Repo, request: bytes, *, advertise_refs: bool) -> bytes:
    from dulwich.protocol import ReceivableProtocol
    from dulwich.repo import Repo as DulwichRepo
    from dulwich.server import BackendRepo, DictBackend, UploadPackHandler

    answer = BytesIO()
    with DulwichRepo(str(call.git(repo).folder)) as opened:
        protocol = ReceivableProtocol(BytesIO(request).read, answer.write)
        if advertise_refs:
            protocol.write_pkt_line(f"# service={SERVICE}\n".encode())
            protocol.write_pkt_line(None)
        repos: dict[str, BackendRepo] = {"/": opened}
        UploadPackHandler(
            DictBackend(repos), ["/"], protocol, stateless_rpc=True, advertise_refs=advertise_refs
        ).handle()
    return answer.getvalue()


def _request(call: Call) -> bytes:
    if call.headers.get("content-encoding") != "gzip":
        return call.body
    try:
        unpacked = zlib.decompressobj(wbits=31).decompress(call.body, LARGEST_REQUEST + 1)
    except zlib.error as error:
        raise bad_request("The body is no gzip") from error
    if len(unpacked) > LARGEST_REQUEST:
        raise RefusalError(413, f"The body may have {LARGEST_REQUEST} bytes, unpacked")
    return unpacked


def _answer(media_type: str, content: bytes) -> Response:
    return Response(content, headers={"Cache-Control": "no-cache"}, media_type=media_type)
