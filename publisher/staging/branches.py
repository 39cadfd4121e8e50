"""Branches and tags: made, deleted; a branch's history squashed into one commit."""

from __future__ import annotations

from starlette.responses import JSONResponse, Response

from publisher.staging.call import Call
from publisher.staging.gitstore import MAIN
from publisher.staging.responses import bad_request, forbidden, revision_not_found


def create_branch(call: Call) -> Response:
    """POST .../branch/{branch}: at a revision, else at main."""
    repo = call.own_repo()
    git, start = call.git(repo), call.json().get("startingPoint", "main")
    if not isinstance(start, str):
        raise bad_request("startingPoint must be a revision")
    git.point(f"refs/heads/{call.params['branch']}", git.resolve(start), expected=None)
    return JSONResponse({})


def delete_branch(call: Call) -> Response:
    """DELETE .../branch/{branch}: any but main."""
    repo = call.own_repo()
    ref = f"refs/heads/{call.params['branch']}"
    if ref == MAIN:
        raise forbidden(f"Cannot delete {ref}")
    if not call.git(repo).drop(ref):
        raise revision_not_found(call.params["branch"])
    return JSONResponse({})


def create_tag(call: Call) -> Response:
    """POST .../tag/{revision}: annotated if it has a message."""
    repo = call.own_repo()
    git, request = call.git(repo), call.json()
    tag, message = request.get("tag"), request.get("message") or ""
    if not isinstance(tag, str) or not tag or not isinstance(message, str):
        raise bad_request("A tag needs a name")
    commit = git.resolve(call.params["revision"])
    git.add_tag(tag, commit, author=call.writer().name, message=message)
    return JSONResponse({})


def delete_tag(call: Call) -> Response:
    """DELETE .../tag/{tag}."""
    repo = call.own_repo()
    if not call.git(repo).drop(f"refs/tags/{call.params['revision']}"):
        raise revision_not_found(call.params["revision"])
    return JSONResponse({})


def super_squash(call: Call) -> Response:
    """POST .../super-squash/{branch}: the same files, one commit, no history; a pull request by its full ref."""
    repo, branch = call.own_repo(), call.params["branch"]
    git, ref = call.git(repo), branch if branch.startswith("refs/pr/") else f"refs/heads/{branch}"
    message = call.json().get("message")
    title = message if isinstance(message, str) and message.strip() else f"Super-squash {branch}"
    with git.lock:
        head = git.head(ref)
        if head is None:
            raise revision_not_found(branch)
        new = git.add_commit(git.files(head), parent=None, author=call.writer().name, title=title)
        git.point(ref, new, expected=head)
    return JSONResponse({"commitOid": new})
