"""All repos of this Hub: searched, filtered, sorted, counted."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from starlette.responses import JSONResponse, Response

from publisher.staging import pages
from publisher.staging.browse import describe
from publisher.staging.call import Call
from publisher.staging.repos import Repo
from publisher.staging.responses import RefusalError, bad_request, forbidden

PAGE = 1000
SORTS = ("createdAt", "lastModified", "downloads", "likes", "trendingScore")
# Unless asked for.
LEFT_OUT = (
    "cardData",
    "citation",
    "config",
    "description",
    "model-index",
    "paperswithcode_id",
    "safetensors",
    "siblings",
    "spaces",
    "usedStorage",
    "widgetData",
)
_TIMES = {"K": 1e3, "M": 1e6, "B": 1e9, "T": 1e12}


def listed(call: Call) -> Response:
    """GET /api/{kind}s: the repos that the user sees, by owner, words of their names, tags; page by page."""
    author, words = call.query("author").lower(), [word.lower() for word in call.queries("search")]
    wanted, sort = set(call.queries("filter")), call.query("sort")
    pages.asked_for(call)  # refused early, not at the first repo found
    if sort and sort not in SORTS:
        raise bad_request(f"sort must be one of {', '.join(SORTS)}")
    if pipeline := call.query("pipeline_tag"):
        wanted.add(pipeline)
    gated, fits = call.query("gated"), _bounds(call.query("num_parameters"))
    if any(call.query(name) for name in ("apps", "inference", "inference_provider")):
        return JSONResponse([])  # nothing here is served to anybody
    found = []
    for repo in call.state.repos.everything(call.kind):
        if not repo.seen_by(call.user) or author not in ("", repo.owner.lower()):
            continue
        if not all(word in repo.id.lower() for word in words):
            continue
        if gated and bool(repo.gated) != call.flag("gated"):
            continue
        shown = _described(call, repo)
        if shown is not None and wanted <= set(shown["tags"]) and fits(shown):
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


def _bounds(text: str) -> Callable[[dict[str, Any]], bool]:
    """What `min:6B,max:128B` leaves: models with so many parameters; everything where nothing is said."""
    if not text:
        return lambda _: True
    said = dict(re.findall(r"(min|max):(\d+(?:\.\d+)?[KMBT]?)(?:,|$)", text))
    if not said:
        raise bad_request("num_parameters is written as min:6B,max:128B, or as one of the two")
    least, most = (_count(said[end]) if end in said else None for end in ("min", "max"))

    def fits(shown: dict[str, Any]) -> bool:
        total = shown.get("safetensors", {}).get("total")
        return total is not None and (least is None or total >= least) and (most is None or total <= most)

    return fits


def _count(text: str) -> float:
    return float(text.rstrip("KMBT")) * _TIMES.get(text[-1], 1)


def stored(call: Call) -> Response:
    """GET /api/settings/repositories, /api/organizations/{owner}/settings/repositories: who uses how much room."""
    user = call.signed_in()
    owner = call.params.get("owner", user.name)
    if not user.belongs_to(owner):
        raise forbidden(f"You are no member of {owner}")
    repos = [repo for repo in call.state.repos.everything() if repo.owner.lower() == owner.lower()]
    sizes = {repo.number: call.state.large.used_by(repo.number) for repo in repos}
    total = sum(sizes.values()) or 1
    shown = [(repo, page) for repo in repos if (page := _described(call, repo)) is not None]
    return JSONResponse([_room(repo, page, sizes[repo.number], total) for repo, page in shown])


def _described(call: Call, repo: Repo) -> dict[str, Any] | None:
    """A repo's page; None for one that is being deleted while the list is made."""
    try:
        return describe(call, repo, "main", blobs=False)
    except (RefusalError, OSError, KeyError):
        return None


def _room(repo: Repo, page: dict[str, Any], size: int, total: int) -> dict[str, Any]:
    return {
        "id": repo.id,
        "type": repo.kind,
        "updatedAt": page["lastModified"],
        "visibility": "private" if repo.private else "public",
        "storage": size,
        "storagePercent": 100 * size / total,
    }


def _asked_for(call: Call, shown: dict[str, Any]) -> dict[str, Any]:
    if asked := call.expanded():
        return pages.only(shown, asked)
    kept = set()
    if call.flag("full"):
        kept |= {"siblings", "cardData"} if call.kind == "dataset" else {"siblings"}
    kept |= {name for name in ("cardData", "config") if call.flag(name)}
    return {key: value for key, value in shown.items() if key not in LEFT_OUT or key in kept}
