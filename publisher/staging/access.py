"""Gated repos: who asked to read their files, and what the owner said."""

from __future__ import annotations

import json
import sqlite3
import uuid
from typing import Any
from urllib.parse import parse_qsl

from starlette.responses import JSONResponse, Response

from publisher.staging.call import Call
from publisher.staging.repos import Repo
from publisher.staging.responses import RefusalError, bad_request, timestamp

STATUSES = ("pending", "accepted", "rejected")
NOT_ASKED = "null"  # the form of somebody who filled in none


def ask(call: Call) -> Response:
    """POST /{repo}/ask-access: ask to read the files; where the gate is `auto`, that is enough."""
    repo, user = call.repo(), call.signed_in()
    _check_gated(repo)
    if _row(call, repo, user.name) is None:
        if "json" in call.headers.get("content-type", ""):
            fields = call.json()
        else:
            fields = dict(parse_qsl(call.body.decode("utf-8", "replace")))
        _put(call, repo, user.name, "accepted" if repo.gated == "auto" else "pending", json.dumps(fields))
    return JSONResponse({})


def listed(call: Call) -> Response:
    """GET .../user-access-request/{status}."""
    repo, status = call.managed_repo(), call.params["status"]
    _check_gated(repo)
    if status not in STATUSES:
        raise RefusalError(404, f"A request is {', '.join(STATUSES)}")
    rows = call.state.store.rows(
        "SELECT * FROM access_requests WHERE repo = ? AND status = ? ORDER BY asked_at, id",
        repo.number,
        status,
    )
    return JSONResponse([_shown(row) for row in rows])


def handle(call: Call) -> Response:
    """POST .../user-access-request/handle: accept, reject or put back one request.

    Raises:
        RefusalError: 400 for a repo that is not gated, 404 for a request that nobody made or that has that status.
    """
    repo, request = call.managed_repo(), call.json()
    _check_gated(repo)
    user, number, status = request.get("user"), request.get("requestId"), request.get("status")
    if status not in STATUSES:
        raise bad_request(f"status must be one of {', '.join(STATUSES)}")
    query = "SELECT * FROM access_requests WHERE repo = ? AND (user = ? OR id = ?)"
    row = call.state.store.row(query, repo.number, user, number)
    if row is None:
        raise RefusalError(404, f"Nobody named {user or number} asked for access to {repo.id}")
    if row["status"] == status:
        raise RefusalError(404, f"The request of {row['user']} is {status} already")
    _put(call, repo, row["user"], status, row["fields"])
    return JSONResponse({})


def grant(call: Call) -> Response:
    """POST .../user-access-request/grant: let in somebody who did not ask.

    Raises:
        RefusalError: 400 for a repo that is not gated or who is in already, 404 for a user that there is not.
    """
    repo, user = call.managed_repo(), call.json().get("user")
    _check_gated(repo)
    if user not in call.state.accounts.namespaces():
        raise RefusalError(404, f"There is no user {user}")
    row = _row(call, repo, str(user))
    if row is not None and row["status"] == "accepted":
        raise bad_request(f"{user} has access already")
    _put(call, repo, str(user), "accepted", NOT_ASKED)
    return JSONResponse({})


def _check_gated(repo: Repo) -> None:
    if not repo.gated:
        raise bad_request(f"{repo.id} is not gated")


def _row(call: Call, repo: Repo, user: str) -> sqlite3.Row | None:
    query = "SELECT * FROM access_requests WHERE repo = ? AND user = ?"
    return call.state.store.row(query, repo.number, user)


def _put(call: Call, repo: Repo, user: str, status: str, fields: str) -> None:
    with call.state.store.writing() as db:
        db.execute(
            "INSERT INTO access_requests (id, repo, user, status, fields, asked_at) VALUES (?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (repo, user) DO UPDATE SET status = excluded.status",
            (uuid.uuid4().hex[:24], repo.number, user, status, fields, timestamp()),
        )


def _shown(row: sqlite3.Row) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "requestId": row["id"],
        "user": {"user": row["user"], "fullname": row["user"]},
        "status": row["status"],
        "timestamp": row["asked_at"],
    }
    if row["fields"] != NOT_ASKED:  # asking shares the address, being let in does not
        shown["user"]["email"] = f"{row['user']}@localhost"
    fields = json.loads(row["fields"])
    return {**shown, "fields": fields} if fields else shown
