"""A repo copied whole to another name: its files and its history."""

from __future__ import annotations

from starlette.responses import JSONResponse, Response

from publisher.staging.call import Call
from publisher.staging.gitstore import MAIN
from publisher.staging.responses import bad_request, forbidden

VISIBILITIES = ("private", "public")


def duplicate(call: Call) -> Response:
    """POST .../duplicate: a new repo with main's history; large files are shared, nothing is sent again.

    Raises:
        RefusalError: 409, with its address, when there is a repo of that name.
    """
    source, user, request = call.open_repo(), call.writer(elsewhere=True), call.json()
    owner, separator, name = str(request.get("repository")).partition("/")
    visibility = request.get("visibility") or ("private" if source.private else "public")
    if not separator or visibility not in VISIBILITIES:
        raise bad_request("repository must be owner/name, and visibility private or public")
    if not user.may_write_in(owner):
        raise forbidden(f"You may not create a {source.kind} under the namespace {owner}")
    repos = call.state.repos
    if (there := repos.find(source.kind, owner, name)) is not None:
        body = {
            "error": f"You already created this {source.kind} repo: {there.id}",
            "url": call.page_of(there),
        }
        return JSONResponse(body, 409, {"X-Error-Message": body["error"]})
    # Private until it is whole.
    made = repos.create(source.kind, owner, name, private=True, author=user.name)
    try:
        for oid in call.state.large.all_of(source.number):
            call.state.large.share(source.number, made.number, oid)
        theirs, ours = call.git(source), call.git(made)
        first = ours.resolve("main")
        ours.point(MAIN, ours.take(theirs, theirs.resolve("main")), expected=first)
        repos.set(made, private=visibility == "private")
    except OSError:
        repos.delete(made)
        raise
    return JSONResponse({"url": call.page_of(made), "filesCopyPending": False})
