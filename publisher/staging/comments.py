"""What was said in a discussion: edited, hidden."""

from __future__ import annotations

import json
from typing import Any

from starlette.responses import JSONResponse, Response

from publisher.staging import discussions
from publisher.staging.call import Call
from publisher.staging.responses import RefusalError, bad_request, forbidden, timestamp


def edit(call: Call) -> Response:
    """POST .../discussions/{num}/comment/{comment}/edit: by its author only; what it said before is kept."""
    content = call.json().get("content")
    if not isinstance(content, str) or not content:
        raise bad_request("content must be a text")
    event = _found(call, may_owner=False)
    data = event["data"]
    data["history"] = [data["latest"], *data["history"]]
    data |= {"edited": True, "latest": _said(call, content), "numEdits": data["numEdits"] + 1}
    return _keep(call, event)


def hide(call: Call) -> Response:
    """POST .../discussions/{num}/comment/{comment}/hide: by its author or the repo's owner; the words are gone."""
    event = _found(call, may_owner=True)
    hidden = {"hidden": True, "hiddenBy": call.writer().name, "history": []}
    event["data"] |= {**hidden, "latest": _said(call, "This comment has been hidden")}
    return _keep(call, event)


def _said(call: Call, text: str) -> dict[str, Any]:
    return {"raw": text, "html": "", "updatedAt": timestamp(), "author": {"name": call.writer().name}}


def _found(call: Call, *, may_owner: bool) -> dict[str, Any]:
    user, repo = call.writer(), call.repo()
    row = call.state.store.row(
        "SELECT * FROM events WHERE repo = ? AND num = ? AND id = ? AND type = 'comment'",
        repo.number,
        int(call.params["num"]) if call.params["num"].isdecimal() else -1,
        call.params["comment"],
    )
    if row is None:
        raise RefusalError(404, f"No such comment in {repo.id}")
    if row["author"] != user.name and not (may_owner and repo.written_by(user)):
        raise forbidden("This comment is somebody else's")
    event = discussions.shown_event(row)
    if event["data"]["hidden"]:
        raise bad_request("This comment has been hidden")
    return event


def _keep(call: Call, event: dict[str, Any]) -> Response:
    with call.state.store.writing() as db:
        db.execute("UPDATE events SET data = ? WHERE id = ?", (json.dumps(event["data"]), event["id"]))
    return JSONResponse({"updatedComment": event})
