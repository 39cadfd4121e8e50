"""Handing out files: HEAD and GET of /{repo}/resolve/{revision}/{path}, whole or a range of bytes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from starlette.responses import Response, StreamingResponse

from publisher.staging import xet
from publisher.staging.call import Call
from publisher.staging.large import checked_oid
from publisher.staging.listing import pointer_of
from publisher.staging.responses import RefusalError, entry_not_found
from publisher.staging.trees import FILE

PIECE = 2 * 1024 * 1024  # bytes sent at once
_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")


def resolve(call: Call) -> Response:
    """A file's bytes at a revision. Large files are served from here too: no redirect, one address."""
    return _serve(call, follow=True)


def raw(call: Call) -> Response:
    """GET /{repo}/raw/{revision}/{path}: what git holds; for a large file, its pointer."""
    return _serve(call, follow=False)


def _serve(call: Call, *, follow: bool) -> Response:
    repo = call.open_repo()
    git = call.git(repo)
    commit = git.resolve(call.params["revision"])
    node = git.node(commit, call.params["path"])
    if node is None or node.mode != FILE:
        raise entry_not_found(f"Entry not found: {call.params['path']}", commit)
    pointer = pointer_of(call, repo, node) if follow else None
    headers = {"X-Repo-Commit": commit, "ETag": f'"{node.sha}"'}
    if pointer is None:
        return _send(call, git.blob(node.sha), headers)
    headers |= {
        "ETag": f'"{pointer.oid}"',
        "X-Linked-ETag": f'"{pointer.oid}"',
        "X-Linked-Size": str(pointer.size),
    }
    if xet.is_offered():
        token = f"{call.base}/api/{repo.kind}s/{repo.id}/xet-read-token/{commit}"
        headers |= {"X-Xet-Hash": pointer.oid, "Link": f'<{token}>; rel="xet-auth"'}
    return _send(call, call.state.large.path(pointer.oid), headers)


def large_file(call: Call) -> Response:
    """GET /{repo}.git/info/lfs/objects/{oid}: a large file by its digest, for git's LFS filter."""
    repo, oid = call.open_repo(), checked_oid(call.params["oid"])
    if not call.state.large.linked(repo.number, oid):
        raise entry_not_found(f"No large file {oid}")
    return _send(call, call.state.large.path(oid), {"ETag": f'"{oid}"'})


def _send(call: Call, content: bytes | Path, headers: dict[str, str]) -> Response:
    size = content.stat().st_size if isinstance(content, Path) else len(content)
    first, end, status = 0, size, 200
    headers = {**headers, "Accept-Ranges": "bytes", "X-Content-Type-Options": "nosniff"}
    asked = call.headers.get("range", "")
    # A range of a file that has changed since is no use to whoever asks: they get the whole.
    if asked and call.headers.get("if-range", headers["ETag"]) == headers["ETag"]:
        first, end = _range(asked, size)
        if (first, end) != (0, size) or _RANGE.fullmatch(asked):
            status = 206
            headers["Content-Range"] = f"bytes {first}-{end - 1}/{size}"
    headers["Content-Length"] = str(end - first)
    media_type = "application/octet-stream" if isinstance(content, Path) else "text/plain; charset=utf-8"
    if call.method == "HEAD":
        return Response(status_code=status, headers=headers, media_type=media_type)
    if isinstance(content, bytes):
        return Response(content[first:end], status_code=status, headers=headers, media_type=media_type)
    return StreamingResponse(_pieces(content, first, end), status, headers, media_type)


def _range(asked: str, size: int) -> tuple[int, int]:
    """First byte and the one after the last; everything for what is no single range of bytes.

    Raises:
        RefusalError: 416 when nothing of the file lies in the range.
    """
    match = _RANGE.fullmatch(asked)
    if match is None or not (match[1] or match[2]):
        return 0, size
    if match[1]:
        first, end = int(match[1]), min(int(match[2]) + 1, size) if match[2] else size
    else:
        first, end = max(size - int(match[2]), 0), size
    if first >= end:
        raise RefusalError(
            416, "Nothing of the file lies in that range", headers={"Content-Range": f"bytes */{size}"}
        )
    return first, end


def _pieces(path: Path, first: int, end: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(first)
        while first < end and (piece := file.read(min(PIECE, end - first))):
            first += len(piece)
            yield piece
