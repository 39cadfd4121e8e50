"""Discussions and pull requests: opened, talked about, changed, merged or closed."""

from __future__ import annotations

import json
import sqlite3
import uuid
from typing import Any

from starlette.responses import JSONResponse, Response

from publisher.staging.auth import User
from publisher.staging.call import Call
from publisher.staging.gitstore import MAIN
from publisher.staging.merging import commit_list, common, merge_of
from publisher.staging.repos import Repo
from publisher.staging.responses import (
    RefusalError,
    bad_request,
    conflict,
    forbidden,
    revision_not_found,
    timestamp,
)

PAGE = 50
LIVE = ("draft", "open")


def create(call: Call) -> Response:
    """POST .../discussions: a discussion, or a draft of a pull request that changes nothing yet."""
    request = call.json()
    call.writer()
    repo = call.repo()
    title = _text(request, "title").strip()
    if not 3 <= len(title) <= 200:
        raise bad_request("A title must have 3 to 200 characters")
    description = _text(request, "description", "")
    if request.get("pullRequest"):
        head = call.git(repo).resolve("main")
        num = open_pull_request(call, repo, title, description, head, base=MAIN, status="draft")
    else:
        num = _open(call, repo, title, description, status="open", head=None, base=MAIN)
    page = f"{call.page_of(repo)}/discussions/{num}"
    return JSONResponse({"num": num, "url": page, "pullRequest": bool(request.get("pullRequest"))})


def listed(call: Call) -> Response:
    """GET .../discussions: page by page, newest first."""
    repo = call.repo()
    kind, status, author = call.query("type", "all"), call.query("status", "all"), call.query("author")
    rows = call.state.store.rows("SELECT * FROM discussions WHERE repo = ? ORDER BY num DESC", repo.number)
    shown = [
        _brief(row, repo)
        for row in rows
        if (kind == "all" or bool(row["pull_request"]) == (kind == "pull_request"))
        and (status == "all" or (row["status"] in LIVE) == (status == "open"))
        and author in ("", row["author"])
    ]
    start = call.number("p", 0) * PAGE
    page = shown[start : start + PAGE]
    return JSONResponse({"discussions": page, "count": len(shown), "start": start, "numClosed": 0})


def details(call: Call) -> Response:
    """GET .../discussions/{num}: with all that happened, and what stands in the way of a merge."""
    repo = call.repo()
    row = _found(call, repo)
    events = call.state.store.rows(
        "SELECT * FROM events WHERE repo = ? AND num = ? ORDER BY position", repo.number, row["num"]
    )
    shown = {**_brief(row, repo), "events": [shown_event(each) for each in events]}
    if row["pull_request"]:
        git, ref, base = call.git(repo), pull_request_ref(row["num"]), row["base"]
        there = git.head(base) is not None  # the branch may have been deleted since
        _, conflicts = merge_of(git, ref, base) if row["status"] in LIVE and there else ({}, [])
        shown["changes"] = {"base": base, "mergeCommitId": row["merge_commit"]}
        shown["filesWithConflicts"] = conflicts
        if call.flag("diff"):
            shown["diff"] = git.diff(common(git, ref, base) if there else None, git.resolve(ref))
    return JSONResponse(shown)


def comment(call: Call) -> Response:
    """POST .../discussions/{num}/comment."""
    repo = call.repo()
    row = _found(call, repo)
    event = _happened(call, repo, row["num"], "comment", _comment_data(_text(call.json(), "comment")))
    return JSONResponse({"newMessage": event})


def retitle(call: Call) -> Response:
    """POST .../discussions/{num}/title."""
    repo = call.repo()
    row = _found(call, repo)
    _check_steers(call, repo, row)
    title = _text(call.json(), "title").strip()
    with call.state.store.writing() as db:
        db.execute(
            "UPDATE discussions SET title = ? WHERE repo = ? AND num = ?", (title, repo.number, row["num"])
        )
    event = _happened(call, repo, row["num"], "title-change", {"from": row["title"], "to": title})
    return JSONResponse({"newTitle": event})


def change_status(call: Call) -> Response:
    """POST .../discussions/{num}/status: open or close it; a draft becomes open."""
    request = call.json()
    repo = call.repo()
    row = _found(call, repo)
    _check_steers(call, repo, row)
    status = request.get("status")
    if status not in ("open", "closed"):
        raise bad_request("status must be open or closed")
    if row["status"] == "merged":
        raise conflict("This pull request was merged already")
    with call.git(repo).lock:
        _set_status(call, repo, row["num"], status)
    if text := request.get("comment"):
        _happened(call, repo, row["num"], "comment", _comment_data(str(text)))
    event = _happened(call, repo, row["num"], "status-change", {"status": status})
    return JSONResponse({"newStatus": event})


def merge(call: Call) -> Response:
    """POST .../discussions/{num}/merge: one commit on its branch with everything the pull request changes.

    Raises:
        RefusalError: 409 for a draft, for one that is closed, and for conflicts.
    """
    repo = call.own_repo()
    row, git = _found(call, repo), call.git(repo)
    if not row["pull_request"]:
        raise bad_request("This is a discussion, not a pull request")
    with git.lock:
        row = _found(call, repo)
        if row["status"] != "open":
            raise conflict(f"This pull request is {row['status']}; only an open one can be merged")
        ref, base = pull_request_ref(row["num"]), row["base"]
        head = git.resolve(base)
        files, conflicts = merge_of(git, ref, base)
        if conflicts:
            raise conflict(f"These files conflict: {', '.join(conflicts)}", filesWithConflicts=conflicts)
        # Equal trees: a merge whose answer got lost in a crash, found again.
        if files != git.files(head):
            new = git.add_commit(
                files,
                parent=head,
                author=call.writer().name,
                title=f"{row['title']} (#{row['num']})",
                message=commit_list(git, ref, base),
            )
            git.point(base, new, expected=head)
            head = new
        with call.state.store.writing() as db:
            db.execute(
                "UPDATE discussions SET status = 'merged', merge_commit = ? WHERE repo = ? AND num = ?",
                (head, repo.number, row["num"]),
            )
    if text := call.json().get("comment"):
        _happened(call, repo, row["num"], "comment", _comment_data(str(text)))
    _happened(call, repo, row["num"], "status-change", {"status": "merged"})
    return JSONResponse({"mergeCommitId": head})


def pull_request_ref(num: int) -> str:
    """The ref that holds a pull request's commits."""
    return f"refs/pr/{num}"


def open_pull_request(
    call: Call, repo: Repo, title: str, description: str, head: str, *, base: str, status: str
) -> int:
    """Open a pull request to the branch `base` whose commits end at `head`; returns its number."""
    return _open(call, repo, title, description, status=status, head=head, base=base)


def note_commit(call: Call, repo: Repo, ref: str, commit: str, title: str) -> None:
    """Tell in a pull request that a commit was added to it; other refs have no talk."""
    if ref.startswith("refs/pr/"):
        _happened(call, repo, int(ref.removeprefix("refs/pr/")), "commit", {"subject": title, "oid": commit})


def check_open_to(call: Call, repo: Repo, ref: str, user: User) -> None:
    """Refuse a commit to a pull request that is over, or that is somebody else's.

    Raises:
        RefusalError: 403, 404 or 409.
    """
    row = _row(call, repo, ref.removeprefix("refs/pr/"))
    if row is None:
        raise revision_not_found(ref)
    if row["status"] not in LIVE:
        raise conflict(f"This pull request is {row['status']}")
    if row["author"] != user.name and not repo.written_by(user):
        raise forbidden("Only its author and those who may write to the repo may add to this pull request")


def _open(
    call: Call, repo: Repo, title: str, description: str, *, status: str, head: str | None, base: str
) -> int:
    author, git, now = call.writer().name, call.git(repo), timestamp()
    with git.lock, call.state.store.writing() as db:
        row = db.execute(
            "SELECT coalesce(max(num), 0) + 1 FROM discussions WHERE repo = ?", (repo.number,)
        ).fetchone()
        num = int(row[0])
        db.execute(
            "INSERT INTO discussions (repo, num, title, status, author, pull_request, created_at, base)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (repo.number, num, title, status, author, head is not None, now, base),
        )
        if head is not None:
            # A ref of this number can only be left from a server that died before the row was kept.
            ref = pull_request_ref(num)
            git.point(ref, head, expected=git.head(ref))
    _happened(call, repo, num, "comment", _comment_data(description))
    if head is not None and head != git.head(base):
        note_commit(call, repo, pull_request_ref(num), head, title)
    return num


def _check_steers(call: Call, repo: Repo, row: sqlite3.Row) -> None:
    user = call.writer()
    if row["author"] != user.name and not repo.written_by(user):
        raise forbidden("Only its author and those who may write to the repo may change this")


def _set_status(call: Call, repo: Repo, num: int, status: str) -> None:
    with call.state.store.writing() as db:
        db.execute("UPDATE discussions SET status = ? WHERE repo = ? AND num = ?", (status, repo.number, num))


def _happened(call: Call, repo: Repo, num: int, kind: str, data: dict[str, Any]) -> dict[str, Any]:
    author, now, name = call.writer().name, timestamp(), uuid.uuid4().hex[:24]
    with call.state.store.writing() as db:
        db.execute(
            "INSERT INTO events (id, repo, num, type, author, created_at, data) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (name, repo.number, num, kind, author, now, json.dumps(data)),
        )
    row = call.state.store.row("SELECT * FROM events WHERE id = ?", name)
    assert row is not None
    return shown_event(row)


def shown_event(row: sqlite3.Row) -> dict[str, Any]:
    """Something that happened in a discussion, as the client reads it."""
    return {
        "id": row["id"],
        "type": row["type"],
        "author": {"name": row["author"]},
        "createdAt": row["created_at"],
        "data": json.loads(row["data"]),
    }


def _comment_data(text: str) -> dict[str, Any]:
    return {"edited": False, "hidden": False, "latest": {"raw": text}, "history": [], "numEdits": 0}


def _brief(row: sqlite3.Row, repo: Repo) -> dict[str, Any]:
    return {
        "num": row["num"],
        "title": row["title"],
        "status": row["status"],
        "author": {"name": row["author"]},
        "createdAt": row["created_at"],
        "isPullRequest": bool(row["pull_request"]),
        "repo": {"name": repo.id, "type": repo.kind},
    }


def _found(call: Call, repo: Repo) -> sqlite3.Row:
    row = _row(call, repo, call.params["num"])
    if row is None:
        raise RefusalError(404, f"No discussion {call.params['num']} in {repo.id}")
    return row


def _row(call: Call, repo: Repo, num: str) -> sqlite3.Row | None:
    if not num.isdecimal() or len(num) > 9:
        return None
    query = "SELECT * FROM discussions WHERE repo = ? AND num = ?"
    return call.state.store.row(query, repo.number, int(num))


def _text(request: dict[str, Any], key: str, default: str | None = None) -> str:
    value = request.get(key, default)
    if not isinstance(value, str):
        raise bad_request(f"{key} must be a text")
    return value
