"""Looking at a repo: its page as JSON, its tree, its refs, its history."""

from __future__ import annotations

from itertools import islice
from typing import Any

from starlette.responses import JSONResponse, Response

from publisher.staging import cards, pages
from publisher.staging.call import Call
from publisher.staging.listing import sibling, tree_entry, with_last_commits
from publisher.staging.repos import Repo
from publisher.staging.responses import bad_request, entry_not_found, timestamp
from publisher.staging.trees import FILE, FOLDER, Node

PAGE = 1000  # entries of a tree
EXPANDED_PAGE = 50  # entries, where each comes with its last commit
COMMITS_PAGE = 50
MOST_PATHS = 1000  # of one paths-info


def info(call: Call) -> Response:
    """GET /api/{kind}s/{repo}[/revision/{revision}]: what `model_info` and `dataset_info` return."""
    repo, asked = call.repo(), pages.asked_for(call)
    shown = describe(call, repo, call.params.get("revision", "main"), blobs=call.flag("blobs"))
    if asked:
        shown = pages.only(shown, asked)
    elif call.flag("securityStatus"):
        shown["securityRepoStatus"] = {"scansDone": False, "filesWithIssues": []}  # nobody scans here
    return JSONResponse(shown)


def tree(call: Call) -> Response:
    """GET .../tree/{revision}[/{path}]: files and folders, page by page."""
    repo = call.repo()
    git, expand, path = call.git(repo), call.flag("expand"), call.params.get("path", "")
    commit = git.resolve(call.params["revision"])
    folder = git.node(commit, path)
    if folder is None or folder.mode != FOLDER:
        raise entry_not_found(f"{path} does not exist on {call.params['revision']}", commit)
    size = EXPANDED_PAGE if expand else PAGE
    start = call.number("cursor", 0)
    nodes = list(islice(git.walk(folder, recursive=call.flag("recursive")), start, start + size + 1))
    entries = [tree_entry(call, repo, node) for node in nodes[:size]]
    if expand:
        with_last_commits(git, commit, entries)
    headers = {"X-Repo-Commit": commit}
    if len(nodes) > size:
        headers["Link"] = call.next_page(cursor=start + size)
    return JSONResponse(entries, headers=headers)


def paths_info(call: Call) -> Response:
    """POST .../paths-info/{revision}: the same for given paths; those that do not exist are left out."""
    repo = call.repo()
    git, form = call.git(repo), call.form()
    paths = form.get("paths", [])
    if len(paths) > MOST_PATHS:
        raise bad_request(f"At most {MOST_PATHS} paths at once")
    commit = git.resolve(call.params["revision"])
    nodes = [node for path in paths if path and (node := git.node(commit, path.strip("/"))) is not None]
    entries = [tree_entry(call, repo, node) for node in nodes]
    if form.get("expand", ["false"])[0].lower() == "true":
        with_last_commits(git, commit, entries)
    return JSONResponse(entries)


def refs(call: Call) -> Response:
    """GET .../refs: branches, tags, and pull requests if asked for."""
    all_refs = call.git(call.repo()).refs()

    def under(prefix: str, *, short: bool = True) -> list[dict[str, str]]:
        return [
            {"name": ref.removeprefix(prefix) if short else ref, "ref": ref, "targetCommit": commit}
            for ref, commit in all_refs.items()
            if ref.startswith(prefix)
        ]

    shown = {"branches": under("refs/heads/"), "converts": [], "tags": under("refs/tags/")}
    if call.flag("include_prs"):
        shown["pullRequests"] = under("refs/pr/", short=False)
    return JSONResponse(shown)


def commits(call: Call) -> Response:
    """GET .../commits/{revision}: the history, newest first, page by page."""
    repo = call.repo()
    git = call.git(repo)
    formatted = "formatted" in (*call.queries("expand[]"), *call.queries("expand"))
    page = call.number("p", 0)
    first = page * COMMITS_PAGE
    head = git.resolve(call.params["revision"])
    records = list(islice(git.history(head), first, first + COMMITS_PAGE + 1))
    shown: list[dict[str, Any]] = []
    for record in records[:COMMITS_PAGE]:
        each: dict[str, Any] = {
            "id": record.id,
            "title": record.title,
            "message": record.message,
            "authors": [{"user": record.author}],
            "date": timestamp(record.date),
        }
        if formatted:
            each["formatted"] = {"title": _html(record.title), "message": _html(record.message)}
        shown.append(each)
    headers = {}
    if len(records) > COMMITS_PAGE:
        headers["Link"] = call.next_page(p=page + 1)
    return JSONResponse(shown, headers=headers)


def describe(call: Call, repo: Repo, revision: str, *, blobs: bool) -> dict[str, Any]:
    """Everything that a repo's page says, at one revision."""
    git = call.git(repo)
    commit = git.resolve(revision)
    record = git.commit(commit)
    files = [node for node in git.walk(Node("", FOLDER, record.tree)) if node.mode == FILE]
    paths = {node.path: node for node in files}
    readme = paths.get("README.md")
    card = cards.front_matter(git.blob(readme.sha)) if readme else {}
    shown: dict[str, Any] = {
        "_id": f"{repo.number:024x}",
        "id": repo.id,
        "author": repo.owner,
        "sha": commit,
        "createdAt": repo.created_at,
        "lastModified": timestamp(record.date),
        "private": repo.private,
        "gated": repo.gated or False,
        "disabled": False,
        "downloads": 0,
        "likes": 0,
        "trendingScore": 0,
        "tags": cards.tags(card, repo.kind),
        "siblings": [sibling(call, repo, node, blobs=blobs) for node in files],
        "usedStorage": call.state.large.used_by(repo.number),
    }
    if card:
        shown["cardData"] = card
    return shown | (
        pages.of_model(call, repo, paths, card) if repo.kind == "model" else pages.of_dataset(card)
    )


def _html(text: str) -> str:
    from html import escape

    return escape(text)
