"""Repos as things that somebody owns: made, deleted, renamed, shown or hidden; and who I am."""

from __future__ import annotations

from typing import Any

from starlette.responses import JSONResponse, Response

from publisher.staging import people, xet_known
from publisher.staging.auth import FINE_GRAINED, Scope, User
from publisher.staging.call import Call
from publisher.staging.repos import KINDS
from publisher.staging.responses import bad_request, forbidden, repo_not_found, unauthorized

VISIBILITIES = {"private": True, "public": False}
GATES = {"auto": "auto", "manual": "manual", False: "", "false": ""}


def whoami(call: Call) -> Response:
    """GET /api/whoami-v2."""
    user = call.user
    # A guess: a token for one repo belongs to nobody who could be named.
    if user is None or user.only is not None:
        raise unauthorized("Invalid username or password.")
    organisations = user.organisations
    if user.may_everything:
        owners = {repo.owner for repo in call.state.repos.everything()}
        organisations = tuple(sorted((call.state.accounts.namespaces() | owners) - {user.name}))
    return JSONResponse(
        {
            "type": "user",
            "id": people.number_of(user.name),
            "name": user.name,
            "fullname": user.name,
            "isPro": False,
            "email": None,
            "emailVerified": False,
            "canPay": False,
            "avatarUrl": people.AVATAR,
            "orgs": [
                {**people.brief(name, "org"), "roleInOrg": "read" if user.role == "read" else "write"}
                for name in organisations
            ],
            "auth": {"type": "access_token", "accessToken": _access_token(user)},
        }
    )


def _access_token(user: User) -> dict[str, Any]:
    token: dict[str, Any] = {"displayName": user.name, "role": user.role}
    if user.role == FINE_GRAINED:
        scoped = [_scope(user, scope) for scope in user.scopes]
        token["fineGrained"] = {"canReadGatedRepos": user.reads_gated, "global": [], "scoped": scoped}
    return token


def _scope(user: User, scope: Scope) -> dict[str, Any]:
    permissions = ["repo.content.read", *(["repo.write"] if scope.writes else ())]
    if "/" not in scope.place:
        kind = "user" if scope.place == user.name else "org"
    else:
        kind = "dataset" if scope.place.startswith("/datasets/") else "model"
    name = scope.place.removeprefix("/datasets/").removeprefix("/")
    return {"entity": {"_id": people.number_of(name), "type": kind, "name": name}, "permissions": permissions}


def create(call: Call) -> Response:
    """POST /api/repos/create; for one that exists, 409 with its address."""
    request = call.json()
    kind, owner, name = _named(call, request)
    visibility = request.get("visibility", "private" if request.get("private") is True else "public")
    if visibility not in VISIBILITIES:
        raise bad_request(f"visibility must be one of {', '.join(VISIBILITIES)}")
    if call.signed_in().only is not None:  # so the real Hub, says a note in the client's create_repo
        raise unauthorized("This token may not create repos")
    user = call.writer()
    if not user.may_write_in(owner):
        raise forbidden(f'You don\'t have the rights to create a {kind} under the namespace "{owner}"')
    address = f"{call.base}/{'datasets/' if kind == 'dataset' else ''}{owner}/{name}"
    if (there := call.state.repos.find(kind, owner, name)) is not None:
        address = call.page_of(there)
        body = {
            "error": f"You already created this {kind} repo: {there.id}",
            "url": address,
            "name": there.id,
        }
        return JSONResponse(body, 409, {"X-Error-Message": body["error"]})
    private = VISIBILITIES[visibility]
    repo = call.state.repos.create(kind, owner, name, private=private, author=user.name)
    return JSONResponse({"url": address, "name": repo.id, "id": f"{repo.number:024x}"})


def delete(call: Call) -> Response:
    """DELETE /api/repos/delete: the repo, and the large files that no other repo has."""
    kind, owner, name = _named(call, call.json())
    user = call.writer()
    repo = call.state.repos.find(kind, owner, name)
    if repo is None or not repo.seen_by(user):
        raise repo_not_found()
    if not repo.written_by(user):
        raise forbidden(f"You may not delete {repo.id}")
    with call.git(repo).lock:
        call.state.repos.delete(repo)
    call.state.large.clean()
    xet_known.forget(call.state.data, call.state.aside)
    return JSONResponse({})


def move(call: Call) -> Response:
    """POST /api/repos/move: another name, another owner."""
    request = call.json()
    kind, user = _kind(request), call.writer()
    owner, name = _split(request.get("fromRepo"))
    to_owner, to_name = _split(request.get("toRepo"))
    repo = call.state.repos.find(kind, owner, name)
    if repo is None or not repo.seen_by(user):
        raise repo_not_found()
    if not repo.written_by(user) or not user.may_write_in(to_owner):
        raise forbidden(f"You may not move {repo.id} to {to_owner}")
    call.state.repos.move(repo, to_owner, to_name)
    return JSONResponse({})


def settings(call: Call) -> Response:
    """PUT .../settings: visibility and gating."""
    request = call.json()
    repo = call.managed_repo()
    visibility, gated = request.get("visibility"), request.get("gated")
    if visibility is None and isinstance(request.get("private"), bool):
        visibility = "private" if request["private"] else "public"
    if visibility is not None and visibility not in VISIBILITIES:
        raise bad_request(f"visibility must be one of {', '.join(VISIBILITIES)}")
    if gated is not None and gated not in GATES:
        raise bad_request("gated must be auto, manual or false")
    call.state.repos.set(
        repo,
        private=None if visibility is None else VISIBILITIES[visibility],
        gated=None if gated is None else GATES[gated],
    )
    changed = call.state.repos.by_number(repo.number)
    assert changed is not None
    return JSONResponse({"private": changed.private, "gated": changed.gated or False})


def auth_check(call: Call) -> Response:
    """GET .../auth-check: whether the user may read the files."""
    call.open_repo()
    return JSONResponse({})


def auth_check_write(call: Call) -> Response:
    """GET .../auth-check/write: whether the user may write."""
    call.own_repo()
    return JSONResponse({})


def _named(call: Call, request: dict[str, Any]) -> tuple[str, str, str]:
    name, organisation = request.get("name"), request.get("organization")
    if not isinstance(name, str) or not isinstance(organisation, str | None):
        raise bad_request("A repo needs a name")
    return _kind(request), organisation or call.signed_in().name, name


def _kind(request: dict[str, Any]) -> str:
    kind = request.get("type") or "model"
    if kind not in KINDS:
        raise bad_request(f"This Hub holds {' and '.join(f'{each}s' for each in KINDS)} only, no {kind}s")
    return str(kind)


def _split(repo_id: object) -> tuple[str, str]:
    owner, separator, name = str(repo_id).partition("/")
    if not separator:
        raise bad_request("A repo's name is owner/name")
    return owner, name
