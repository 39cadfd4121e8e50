"""The large files that a repo has stored: listed, and deleted for good."""

from __future__ import annotations

import re
from typing import Any

from starlette.responses import JSONResponse, Response

from publisher.staging import xet_known
from publisher.staging.call import Call
from publisher.staging.gitstore import GitRepo
from publisher.staging.large import OID, Pointer
from publisher.staging.responses import bad_request, timestamp

MOST_DELETIONS = 1000
_REWRITTEN = re.compile(r"refs/(heads|pr|tags)/.+")


def listed(call: Call) -> Response:
    """GET .../lfs-files: each large file with the name and the ref that it was last seen under."""
    repo = call.own_repo()
    git = call.git(repo)
    seen: dict[str, dict[str, Any]] = {}
    for ref, head in git.refs().items():
        for record in git.history(head):
            for path, blob in git.files(record.id).items():
                pointer = Pointer.read(git.blob_head(blob)[1])
                if pointer is None or not call.state.large.linked(repo.number, pointer.oid):
                    continue
                # History runs backwards, so what stays is the oldest commit that has the file: its push.
                newest = seen.setdefault(pointer.oid, {"filename": path, "ref": ref, "size": pointer.size})
                if newest["ref"] == ref:
                    newest["pushedAt"] = timestamp(record.date)
    return JSONResponse([{"fileOid": oid, "oid": oid, **each} for oid, each in sorted(seen.items())])


def delete(call: Call) -> Response:
    """POST .../lfs-files/batch: delete large files for good, and their pointers from all history if asked for."""
    repo, deletions = call.own_repo(), call.json().get("deletions")
    if not isinstance(deletions, dict):
        raise bad_request("deletions must be an object")
    oids = deletions.get("sha")
    if not isinstance(oids, list) or not all(isinstance(oid, str) and OID.fullmatch(oid) for oid in oids):
        raise bad_request("deletions.sha must be a list of sha256 in lower-case hex")
    if len(oids) > MOST_DELETIONS:
        raise bad_request(f"At most {MOST_DELETIONS} at once")
    if deletions.get("rewriteHistory", True):
        git = call.git(repo)
        with git.lock:
            _forget(git, set(oids), author=call.writer().name)
    call.state.large.unlink(repo.number, oids)
    call.state.large.clean()
    xet_known.forget(call.state.data, call.state.aside)
    return JSONResponse({})


def _forget(git: GitRepo, oids: set[str], *, author: str) -> None:
    """Write every history that names one of these files again, without it; authors and dates stay."""
    rewritten: dict[str, str] = {}
    for ref, head in git.refs().items():
        new = _without(git, head, oids, rewritten)
        if new == head or not _REWRITTEN.fullmatch(ref):
            continue
        if ref.startswith("refs/tags/"):
            message = git.tag_message(ref)
            git.drop(ref)
            git.add_tag(ref.removeprefix("refs/tags/"), new, author=author, message=message)
        else:
            git.point(ref, new, expected=head)


def _without(git: GitRepo, head: str, oids: set[str], rewritten: dict[str, str]) -> str:
    parent: str | None = None
    for record in reversed(list(git.history(head))):
        if record.id not in rewritten:
            files = git.files(record.id)
            kept = {path: blob for path, blob in files.items() if not _points_to(git, blob, oids)}
            if kept == files and parent == record.parent:
                rewritten[record.id] = record.id
            else:
                rewritten[record.id] = git.add_commit(
                    kept,
                    parent=parent,
                    author=record.author,
                    title=record.title,
                    message=record.message,
                    date=record.date,
                )
        parent = rewritten[record.id]
    assert parent is not None
    return parent


def _points_to(git: GitRepo, blob: str, oids: set[str]) -> bool:
    pointer = Pointer.read(git.blob_head(blob)[1])
    return pointer is not None and pointer.oid in oids
