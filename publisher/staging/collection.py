"""Collections: a titled list of repos that belongs to somebody."""

from __future__ import annotations

import re
import sqlite3
import uuid
from typing import Any

from starlette.responses import JSONResponse, Response

from publisher.staging.call import Call
from publisher.staging.repos import KINDS
from publisher.staging.responses import RefusalError, bad_request, forbidden, repo_not_found, timestamp


def listed(call: Call) -> Response:
    """GET /api/collections?owner=...&item=...: those that the user sees."""
    rows = call.state.store.rows("SELECT * FROM collections ORDER BY owner, position")
    owners, wanted = call.queries("owner"), set(call.queries("item"))
    found = [_show(call, row) for row in rows if _sees(call, row) and (not owners or row["owner"] in owners)]
    if wanted:
        found = [
            each for each in found if wanted & {f"{item['type']}s/{item['id']}" for item in each["items"]}
        ]
    for each in found:
        del each["position"]  # a list's order says it, and the client counts for itself
    return JSONResponse(found[: call.number("limit", 100)])


def create(call: Call) -> Response:
    """POST /api/collections; for a title that the owner has already, 409 with its slug."""
    request, user = call.json(), call.writer()
    title, owner = request.get("title"), request.get("namespace") or user.name
    description = request.get("description")
    if not isinstance(title, str) or not title.strip() or not isinstance(description, str | None):
        raise bad_request("A collection needs a title")
    if not user.may_write_in(owner):
        raise forbidden(f"You may not create a collection under the namespace {owner}")
    words = "-".join(re.findall(r"[a-z0-9]+", title.lower()))[:60] or "collection"
    slug = f"{owner}/{words}-{uuid.uuid4().hex[:24]}"
    with call.state.store.writing() as db:
        same = db.execute(
            "SELECT slug FROM collections WHERE owner = ? AND title = ?", (owner, title)
        ).fetchone()
        if same is not None:
            raise RefusalError(409, f"{owner} has a collection of that title", slug=same["slug"])
        count = db.execute("SELECT count(*) FROM collections WHERE owner = ?", (owner,)).fetchone()[0]
        db.execute(
            "INSERT INTO collections (slug, owner, title, description, private, theme, position, updated_at)"
            " VALUES (?, ?, ?, ?, ?, 'orange', ?, ?)",
            (slug, owner, title, description, bool(request.get("private")), count, timestamp()),
        )
    return JSONResponse(_show(call, _row(call, slug)))


def shown(call: Call) -> Response:
    """GET /api/collections/{slug}."""
    return JSONResponse(_show(call, _seen(call)))


def update(call: Call) -> Response:
    """PATCH /api/collections/{slug}: title, description, visibility."""
    row, request = _own(call), call.json()
    new = {key: request.get(key, row[key]) for key in ("title", "description", "private", "theme")}
    with call.state.store.writing() as db:
        db.execute(
            "UPDATE collections SET title = ?, description = ?, private = ?, theme = ?, updated_at = ? WHERE slug = ?",
            (new["title"], new["description"], bool(new["private"]), new["theme"], timestamp(), row["slug"]),
        )
    return JSONResponse({"success": True, "data": _show(call, _row(call, row["slug"]))})


def delete(call: Call) -> Response:
    """DELETE /api/collections/{slug}: the list goes, the repos stay."""
    row = _own(call)
    with call.state.store.writing() as db:
        db.execute("DELETE FROM collections WHERE slug = ?", (row["slug"],))
    return JSONResponse({"success": True})


def add_item(call: Call) -> Response:
    """POST /api/collections/{slug}/items: a repo that the user sees; 409 for one that is in it."""
    row, request = _own(call), call.json()
    item, note = request.get("item"), request.get("note")
    if not isinstance(item, dict) or not isinstance(note, str | None):
        raise bad_request("item must have an id and a type")
    kind, name = item.get("type"), item.get("id")
    if kind not in KINDS or not isinstance(name, str):
        raise bad_request(f"This Hub's collections hold {' and '.join(KINDS)} repos")
    owner, _, short = name.partition("/")
    repo = call.state.repos.find(kind, owner, short)
    if repo is None or not repo.seen_by(call.user):
        raise repo_not_found()
    with call.state.store.writing() as db:
        last = "SELECT coalesce(max(position), -1) + 1 FROM collection_items WHERE slug = ?"
        position = db.execute(last, (row["slug"],)).fetchone()[0]
        try:
            db.execute(
                "INSERT INTO collection_items (id, slug, type, repo, note, position) VALUES (?, ?, ?, ?, ?, ?)",
                (uuid.uuid4().hex[:24], row["slug"], kind, repo.number, note, position),
            )
        except sqlite3.IntegrityError as error:
            raise RefusalError(409, f"{repo.id} is in this collection already") from error
        db.execute("UPDATE collections SET updated_at = ? WHERE slug = ?", (timestamp(), row["slug"]))
    return JSONResponse(_show(call, _row(call, row["slug"])))


def update_item(call: Call) -> Response:
    """PATCH /api/collections/{slug}/items/{item}: its note, its position."""
    row, request = _own(call), call.json()
    note, position = request.get("note"), request.get("position")
    if not isinstance(note, str | None) or not isinstance(position, int | None):
        raise bad_request("note must be a text and position a number")
    with call.state.store.writing() as db:
        changed = db.execute(
            "UPDATE collection_items SET note = coalesce(?, note), position = coalesce(?, position)"
            " WHERE slug = ? AND id = ?",
            (note, position, row["slug"], call.params["item"]),
        )
    if not changed.rowcount:
        raise RefusalError(404, "No such item in this collection")
    return JSONResponse({"success": True})


def delete_item(call: Call) -> Response:
    """DELETE /api/collections/{slug}/items/{item}."""
    row = _own(call)
    with call.state.store.writing() as db:
        gone = db.execute(
            "DELETE FROM collection_items WHERE slug = ? AND id = ?", (row["slug"], call.params["item"])
        )
    if not gone.rowcount:
        raise RefusalError(404, "No such item in this collection")
    return JSONResponse({"success": True})


def _show(call: Call, row: sqlite3.Row) -> dict[str, Any]:
    items = call.state.store.rows(
        "SELECT * FROM collection_items WHERE slug = ? ORDER BY position, id", row["slug"]
    )
    entries = []
    for item in items:
        repo = call.state.repos.by_number(item["repo"])
        if repo is None or not repo.seen_by(call.user):
            continue  # what the reader may not see, a collection does not tell
        entry: dict[str, Any] = {
            "_id": item["id"],
            "id": repo.id,
            "type": item["type"],
            "repoType": item["type"],
            "position": item["position"],
            "private": repo.private,
        }
        entries.append({**entry, "note": {"text": item["note"], "html": ""}} if item["note"] else entry)
    return {
        "slug": row["slug"],
        "title": row["title"],
        "description": row["description"],
        "owner": {"name": row["owner"], "type": "user"},
        "items": entries,
        "lastUpdated": row["updated_at"],
        "position": row["position"],
        "private": bool(row["private"]),
        "theme": row["theme"],
        "upvotes": 0,
    }


def _sees(call: Call, row: sqlite3.Row) -> bool:
    return not row["private"] or (call.user is not None and call.user.belongs_to(row["owner"]))


def _seen(call: Call) -> sqlite3.Row:
    row = call.state.store.row("SELECT * FROM collections WHERE slug = ?", _slug(call))
    if row is None or not _sees(call, row):
        raise RefusalError(404, "Collection not found")
    return row


def _own(call: Call) -> sqlite3.Row:
    row = _seen(call)
    if not call.writer().may_write_in(row["owner"]):
        raise forbidden(f"You may not change the collections of {row['owner']}")
    return row


def _row(call: Call, slug: str) -> sqlite3.Row:
    row = call.state.store.row("SELECT * FROM collections WHERE slug = ?", slug)
    assert row is not None
    return row


def _slug(call: Call) -> str:
    return f"{call.params['owner']}/{call.params['slug']}"
