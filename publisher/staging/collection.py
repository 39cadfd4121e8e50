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

COLLECTION = "collection"
SORTS = ("lastModified", "trending", "upvotes")
PAGE = 100


def listed(call: Call) -> Response:
    """GET /api/collections?owner=...&item=...: those that the user sees, page by page."""
    sort = call.query("sort")
    if sort and sort not in SORTS:
        raise bad_request(f"sort must be one of {', '.join(SORTS)}")
    rows = call.state.store.rows("SELECT * FROM collections ORDER BY owner, position")
    owners, wanted = call.queries("owner"), set(call.queries("item"))
    found = [_show(call, row) for row in rows if _sees(call, row) and (not owners or row["owner"] in owners)]
    if wanted:
        found = [
            each for each in found if wanted & {f"{item['type']}s/{item['id']}" for item in each["items"]}
        ]
    if sort == "lastModified":
        found.sort(key=lambda each: str(each["lastUpdated"]), reverse=True)
    start, size = call.number("cursor", 0), min(call.number("limit", PAGE), PAGE) or PAGE
    page = found[start : start + size]
    for each in page:
        del each["position"]  # a list's order says it, and the client counts for itself
    headers = {"Link": call.next_page(cursor=start + size)} if len(found) > start + size else {}
    return JSONResponse(page, headers=headers)


def create(call: Call) -> Response:
    """POST /api/collections; for a title that the owner has already, 409 with its slug."""
    request, user = call.json(), call.writer()
    title, owner = request.get("title"), request.get("namespace") or user.name
    description = request.get("description")
    if not isinstance(title, str) or not title.strip() or not isinstance(description, str | None):
        raise bad_request("A collection needs a title")
    if not user.may_write_in(owner):
        raise forbidden(f"You may not create a collection under the namespace {owner}")
    slug = _slug_of(owner, title, uuid.uuid4().hex[:24])
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
    """PATCH /api/collections/{slug}: title, description, visibility, place; the slug follows the title."""
    row, request = _own(call), call.json()
    keys = ("title", "description", "private", "theme", "position")
    new = {key: request.get(key, row[key]) for key in keys}
    new["private"] = bool(new["private"])
    if not isinstance(new["title"], str) or not new["title"].strip() or not isinstance(new["position"], int):
        raise bad_request("title must be a text and position a number")
    slug = _slug_of(row["owner"], new["title"], row["slug"][-24:])
    with call.state.store.writing() as db:
        db.execute(
            "UPDATE collections SET slug = ?, title = ?, description = ?, private = ?, theme = ?, position = ?,"
            " updated_at = ? WHERE slug = ?",
            (slug, *new.values(), timestamp(), row["slug"]),
        )
    return JSONResponse({"success": True, "data": _show(call, _row(call, slug))})


def delete(call: Call) -> Response:
    """DELETE /api/collections/{slug}: the list goes, the repos stay."""
    row = _own(call)
    with call.state.store.writing() as db:
        db.execute("DELETE FROM collections WHERE slug = ?", (row["slug"],))
    return JSONResponse({"success": True})


def add_item(call: Call) -> Response:
    """POST /api/collections/{slug}/items: a repo or a collection that the user sees; 409 for one that is in it."""
    row, request = _own(call), call.json()
    item, note = request.get("item"), request.get("note")
    if not isinstance(item, dict) or not isinstance(note, str | None):
        raise bad_request("item must have an id and a type")
    kind, name = item.get("type"), item.get("id")
    if kind not in (*KINDS, COLLECTION) or not isinstance(name, str):
        raise bad_request(f"This Hub's collections hold {', '.join(KINDS)} repos and collections")
    repo, collection = None, None
    if kind == COLLECTION:
        inner = _find(call, name)
        if inner is None or not _sees(call, inner):
            raise RefusalError(404, "Collection not found")
        collection = inner["slug"]
    else:
        owner, _, short = name.partition("/")
        found = call.state.repos.find(kind, owner, short)
        if found is None or not found.seen_by(call.user):
            raise repo_not_found()
        repo = found.number
    with call.state.store.writing() as db:
        last = "SELECT coalesce(max(position), -1) + 1 FROM collection_items WHERE slug = ?"
        position = db.execute(last, (row["slug"],)).fetchone()[0]
        try:
            db.execute(
                "INSERT INTO collection_items (id, slug, type, repo, collection, note, position)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (uuid.uuid4().hex[:24], row["slug"], kind, repo, collection, note, position),
            )
        except sqlite3.IntegrityError as error:
            raise RefusalError(409, f"{name} is in this collection already") from error
        db.execute("UPDATE collections SET updated_at = ? WHERE slug = ?", (timestamp(), row["slug"]))
    return JSONResponse(_show(call, _row(call, row["slug"])))


def update_item(call: Call) -> Response:
    """PATCH /api/collections/{slug}/items/{item}: its note, its place among the others."""
    row, request = _own(call), call.json()
    note, position = request.get("note"), request.get("position")
    if not isinstance(note, str | None) or not isinstance(position, int | None):
        raise bad_request("note must be a text and position a number")
    item = call.params["item"]
    with call.state.store.writing() as db:
        query = "SELECT id FROM collection_items WHERE slug = ? ORDER BY position, id"
        order = [each["id"] for each in db.execute(query, (row["slug"],))]
        if item not in order:
            raise RefusalError(404, "No such item in this collection")
        db.execute("UPDATE collection_items SET note = coalesce(?, note) WHERE id = ?", (note, item))
        if position is not None:
            order.remove(item)
            order.insert(position, item)
            db.executemany("UPDATE collection_items SET position = ? WHERE id = ?", enumerate(order))
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
        what = _what(call, item)
        if what is None:
            continue  # what the reader may not see, a collection does not tell
        entry = {"_id": item["id"], "type": item["type"], "position": item["position"], **what}
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


def _what(call: Call, item: sqlite3.Row) -> dict[str, Any] | None:
    """The repo or collection that an item is; None if the reader may not see it."""
    if item["type"] == COLLECTION:
        row = _row(call, item["collection"])
        if not _sees(call, row):
            return None
        owner = {"name": row["owner"], "type": "user"}
        return {"id": row["slug"], "slug": row["slug"], "title": row["title"], "owner": owner}
    repo = call.state.repos.by_number(item["repo"])
    if repo is None or not repo.seen_by(call.user):
        return None
    return {"id": repo.id, "repoType": item["type"], "private": repo.private}


def _sees(call: Call, row: sqlite3.Row) -> bool:
    return not row["private"] or (call.user is not None and call.user.belongs_to(row["owner"]))


def _seen(call: Call) -> sqlite3.Row:
    row = _find(call, f"{call.params['owner']}/{call.params['slug']}")
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


def _find(call: Call, slug: str) -> sqlite3.Row | None:
    """The collection of that slug. Its end counts: what stands before it was a title once."""
    owner, _, rest = slug.partition("/")
    query = "SELECT * FROM collections WHERE owner = ? AND substr(slug, -24) = ?"
    return call.state.store.row(query, owner, rest[-24:])


def _slug_of(owner: str, title: str, end: str) -> str:
    words = "-".join(re.findall(r"[a-z0-9]+", title.lower()))[:60] or "collection"
    return f"{owner}/{words}-{end}"
