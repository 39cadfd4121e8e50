"""Users and organisations: what their pages say."""

from __future__ import annotations

import hashlib
from typing import Any

from starlette.responses import JSONResponse, Response

from publisher.staging.call import Call
from publisher.staging.responses import RefusalError

AVATAR = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg'/%3E"  # an empty picture


def user(call: Call) -> Response:
    """GET /api/users/{owner}/overview."""
    name = _known(call, call.state.accounts.users(), "user")
    organisations = [brief(each, "org") for each in call.state.accounts.organisations_of(name)]
    return JSONResponse({**_page(call, name, "user"), "isPro": False, "orgs": organisations})


def organisation(call: Call) -> Response:
    """GET /api/organizations/{owner}/overview."""
    name = _known(call, call.state.accounts.organisations(), "organization")
    shown = {**_page(call, name, "org"), "isVerified": False, "plan": None}
    return JSONResponse({**shown, "numUsers": len(call.state.accounts.members_of(name))})


def members(call: Call) -> Response:
    """GET /api/organizations/{owner}/members."""
    name = _known(call, call.state.accounts.organisations(), "organization")
    return JSONResponse([brief(each, "user") for each in call.state.accounts.members_of(name)])


def nobody(call: Call) -> Response:
    """GET /api/{users,organizations}/{owner}/{followers,following}: nobody follows anybody here."""
    _known(call, call.state.accounts.namespaces(), "account")
    return JSONResponse([])


def brief(name: str, kind: str) -> dict[str, Any]:
    """Somebody, in a list."""
    shown = {"type": kind, "name": name, "fullname": name, "avatarUrl": AVATAR}
    return {**shown, "user": name} if kind == "user" else {**shown, "isEnterprise": False}


def number_of(name: str) -> str:
    """The id of a name: 24 hex digits, as all ids of the Hub."""
    return hashlib.sha256(name.encode()).hexdigest()[:24]


def _page(call: Call, name: str, kind: str) -> dict[str, Any]:
    seen = [repo for repo in call.state.repos.everything() if repo.owner == name and repo.seen_by(call.user)]
    counted = {
        f"num{kind.capitalize()}s": sum(repo.kind == kind for repo in seen) for kind in ("model", "dataset")
    }
    nothing = dict.fromkeys(("numSpaces", "numDiscussions", "numPapers", "numUpvotes", "numLikes"), 0)
    follows = {"numFollowers": 0, "numFollowing": 0, "isFollowing": False}
    return {"_id": number_of(name), **brief(name, kind), **nothing, **follows, **counted}


def _known(call: Call, names: set[str], kind: str) -> str:
    name = call.params["owner"]
    if name not in names:
        raise RefusalError(404, f"This {kind} does not exist")
    return name
