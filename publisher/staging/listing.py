"""How files and folders are described to the client: size, ids, and for large files their sha256."""

from __future__ import annotations

from typing import Any

from publisher.staging import xet
from publisher.staging.call import Call
from publisher.staging.gitstore import CommitRecord, GitRepo
from publisher.staging.large import Pointer
from publisher.staging.repos import Repo
from publisher.staging.responses import timestamp
from publisher.staging.trees import FOLDER, Node


def pointer_of(call: Call, repo: Repo, node: Node) -> Pointer | None:
    """The pointer that a file is, if it points to a large file of this repo.

    A text that looks like a pointer to anything else is served as the text that it is.
    """
    pointer = Pointer.read(call.git(repo).blob_head(node.sha)[1])
    if pointer is None or not call.state.large.linked(repo.number, pointer.oid):
        return None
    return pointer


def tree_entry(call: Call, repo: Repo, node: Node) -> dict[str, Any]:
    """A file or folder as `list_repo_tree` and `get_paths_info` show it."""
    if node.mode == FOLDER:
        return {"type": "directory", "oid": node.sha, "size": 0, "path": node.path}
    pointer_size = call.git(repo).blob_head(node.sha)[0]
    entry: dict[str, Any] = {"type": "file", "oid": node.sha, "size": pointer_size, "path": node.path}
    if pointer := pointer_of(call, repo, node):
        entry["size"] = pointer.size
        entry["lfs"] = {"oid": pointer.oid, "size": pointer.size, "pointerSize": pointer_size}
        if xet.is_offered():
            entry["xetHash"] = pointer.oid  # what xet_reading knows it by
    return entry


def sibling(call: Call, repo: Repo, node: Node, *, blobs: bool) -> dict[str, Any]:
    """A file as `model_info` shows it."""
    if not blobs:
        return {"rfilename": node.path}
    entry = tree_entry(call, repo, node)
    shown = {"rfilename": node.path, "size": entry["size"], "blobId": node.sha}
    if large := entry.get("lfs"):
        shown["lfs"] = {"sha256": large["oid"], "size": large["size"], "pointerSize": large["pointerSize"]}
    return shown


def with_last_commits(git: GitRepo, commit: str, entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Add to each entry the commit that last changed it, and that nobody scanned it."""
    missing = {entry["path"]: entry for entry in entries}
    later: CommitRecord | None = None
    for record in git.history(commit):
        for path, entry in list(missing.items()):
            node = git.node(record.id, path)
            if node is None or node.sha != entry["oid"]:
                assert later is not None
                entry["lastCommit"] = _brief(later)
                del missing[path]
        later = record
        if not missing:
            break
    for entry in missing.values():
        assert later is not None
        entry["lastCommit"] = _brief(later)
    return entries


def _brief(record: CommitRecord) -> dict[str, str]:
    return {"id": record.id, "title": record.title, "date": timestamp(record.date)}
