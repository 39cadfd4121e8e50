"""All repos of this Hub: searched, filtered, sorted, counted."""

from __future__ import annotations

from typing import Any

from starlette.responses import JSONResponse, Response

from publisher.staging.browse import describe
from publisher.staging.call import Call
from publisher.staging.repos import Repo
from publisher.staging.responses import bad_request, forbidden

PAGE = 1000
SORTS = ("createdAt", "lastModified", "downloads", "likes", "trendingScore")
LEFT_OUT = ("cardData", "siblings", "usedStorage", "spaces")  # unless asked for


def listed(call: Call) -> Response:
    """GET /api/{kind}s: the repos that the user sees, by owner, words of their names, tags; page by page."""
    author, words = call.query("author").lower(), [word.lower() for word in call.queries("search")]
    wanted, sort = set(call.queries("filter")), call.query("sort")
    if sort and sort not in SORTS:
        raise bad_request(f"sort must be one of {', '.join(SORTS)}")
    if pipeline := call.query("pipeline_tag"):
        wanted.add(pipeline)
    gated = call.query("gated")
    found = []
    for repo in call.state.repos.everything(call.kind):
        if not repo.seen_by(call.user) or author not in ("", repo.owner.lower()):
            continue
        if not all(word in repo.id.lower() for word in words):
            continue
        if gated and bool(repo.gated) != call.flag("gated"):
            continue
        shown = describe(call, repo, "main", blobs=False)
        if wanted <= set(shown["tags"]):
            found.append(shown)
    if sort in ("createdAt", "lastModified"):
        found.sort(key=lambda shown: str(shown[sort]), reverse=True)
    start = call.number("cursor", 0)
    size = min(call.number("limit", PAGE), PAGE) or PAGE
    page = [_asked_for(call, shown) for shown in found[start : start + size]]
    headers = {}
    if len(found) > start + size:
        headers["Link"] = call.next_page(cursor=start + size)
    return JSONResponse(page, headers=headers)


def stored(call: Call) -> Response:
    """GET /api/settings/repositories, /api/organizations/{owner}/settings/repositories: who uses how much room."""
    user = call.signed_in()
    owner = call.params.get("owner", user.name)
    if not user.belongs_to(owner):
        raise forbidden(f"You are no member of {owner}")
    repos = [repo for repo in call.state.repos.everything() if repo.owner.lower() == owner.lower()]
    sizes = {repo.number: call.state.large.used_by(repo.number) for repo in repos}
    total = sum(sizes.values()) or 1
    return JSONResponse([_room(call, repo, sizes[repo.number], total) for repo in repos])


def _room(call: Call, repo: Repo, size: int, total: int) -> dict[str, Any]:
    return {
        "id": repo.id,
        "type": repo.kind,
        "updatedAt": describe(call, repo, "main", blobs=False)["lastModified"],
        "visibility": "private" if repo.private else "public",
        "storage": size,
        "storagePercent": 100 * size / total,
    }


def _asked_for(call: Call, shown: dict[str, Any]) -> dict[str, Any]:
    if expand := call.expanded():
        return {key: value for key, value in shown.items() if key in ("_id", "id", *expand)}
    kept = set()
    if call.flag("full"):
        kept |= {"siblings", "cardData"} if call.kind == "dataset" else {"siblings"}
    if call.flag("cardData"):
        kept.add("cardData")
    return {key: value for key, value in shown.items() if key not in LEFT_OUT or key in kept}
