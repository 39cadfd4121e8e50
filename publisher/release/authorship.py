"""Which files of a repo are ours: what others put in is theirs, and no plan takes it away."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import zip_longest

from publisher.hub.port import Hub
from publisher.records.artifacts import RepoRef
from publisher.release import trailer


def written_by_us(hub: Hub, ref: RepoRef, name: str, revision: str, paths: Iterable[str]) -> set[str]:
    """Those of the paths, as they are at a revision, that a commit of ours brought or changed.

    Looks at our commits from the newest back, and no further than every path is decided.
    """
    undecided, ours = set(paths), set[str]()
    if not undecided:
        return ours
    history = hub.commits(ref, revision)
    marked = {commit.id for _, commit in trailer.labels(history, name)}
    for commit, parent in zip_longest(history, history[1:]):
        if not undecided:
            break
        if commit.id not in marked:
            continue
        after = _blobs(hub, ref, commit.id)
        before = _blobs(hub, ref, parent.id) if parent else {}
        undecided &= after.keys()  # what is younger than our commit came from someone else
        written = {path for path in undecided if after[path] != before.get(path)}
        ours |= written
        undecided -= written
    return ours


def _blobs(hub: Hub, ref: RepoRef, revision: str) -> dict[str, str]:
    return {file.path: file.blob_id for file in hub.tree(ref, revision)}
