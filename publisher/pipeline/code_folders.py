"""Where the repos lie whose ids a card's code names: the target's own folder, and what this user's Hub cache holds."""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterator
from pathlib import Path

from publisher.checks.observe.jsons import AdapterConfig
from publisher.checks.observe.readme import Metadata
from publisher.checks.observe.snippets import PythonBlock, Snippets
from publisher.checks.observe.target import Absent, RepoView
from publisher.pipeline.opened import Release
from publisher.records.artifacts import KINDS

_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}", re.ASCII)
_LOADS = frozenset(
    {"from_pretrained", "pipeline", "load_dataset", "load_adapter"}
    | {"SentenceTransformer", "CrossEncoder", "LLM", "open", "join", "Path"}
)
_HOLDS = re.compile(r"id|model|repo|path|name|checkpoint|ckpt|adapter|dataset", re.IGNORECASE)
_FILE = re.compile(r"\.(?:[a-z]{2,5}\d?|mp3|mp4|7z)$")  # `images/cat.png` is a file, `acme/model-1.5` a repo


def known_folders(view: RepoView, snippets: Snippets, folder: Path | None) -> dict[str, str]:
    """Ids that the code names, with the folders that hold their bytes.

    A folder does not know its own id. It is the one that ends in the folder's name, else the only one that the card
    loads and calls neither base nor data.
    """
    named = {text for block in snippets.parsed for text in _loaded(block) if _ID.fullmatch(text)}
    others = _others(view)
    found = {repo_id: str(place) for repo_id in named if (place := cached(repo_id)) is not None}
    if folder is not None:
        own = {each for each in named - others if not _FILE.search(each) and not Path(each).exists()}
        alike = {each for each in own if each.rpartition("/")[2].lower() == folder.resolve().name.lower()}
        own = alike or (own if len(own) == 1 else set())
        found |= {repo_id: str(folder.resolve()) for repo_id in own}
    return found


def released_folders(release: Release) -> dict[str, str]:
    """Where a release's repos lie in its workspace, by id, its base among them.

    Ids are the manifest's, and those of the lock, whose owner may be another.
    """
    paths = release.paths
    locked = release.lock.artifacts if release.lock is not None else {}
    found = {release.base_repo: paths.artifact("base")} if release.base_repo else {}
    found |= {str(locked[kind].repo): paths.artifact(kind) for kind in KINDS if kind in locked}
    found |= {ref.repo_id: paths.artifact(kind) for kind, ref in release.identity.refs.items()}
    return {repo_id: str(folder) for repo_id, folder in found.items() if folder.is_dir()}


def _loaded(block: PythonBlock) -> Iterator[str]:
    """Texts that are loaded, or kept under a name such as `model_id`."""
    for node in block.nodes:
        parts: list[ast.expr] = []
        if isinstance(node, ast.Call) and _last(node.func) in _LOADS:
            parts = [*node.args, *(each.value for each in node.keywords)]
        elif isinstance(node, ast.Assign) and any(_HOLDS.search(_last(target)) for target in node.targets):
            parts = [node.value]
        for part in parts:
            leftmost = part
            while isinstance(leftmost, ast.BinOp):  # an id with a file's name behind it
                leftmost = leftmost.left
            if isinstance(leftmost, ast.Constant) and isinstance(leftmost.value, str):
                yield leftmost.value


def _last(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _others(view: RepoView) -> set[str]:
    """Repos that the target itself calls others: its base models and data."""
    found: set[str] = set()
    metadata, adapter = view.observe(Metadata), view.observe(AdapterConfig)
    if not isinstance(metadata, Absent):
        keys = ("base_model", "datasets")
        found |= {str(value.data) for key in keys for value in metadata.texts(key)}
    if not isinstance(adapter, Absent):
        found.add(str(adapter.data.get("base_model_name_or_path")))
    return found


def cached(repo_id: str) -> Path | None:
    """A model's files in this user's Hub cache; None where its main branch is not there."""
    home = Path(os.environ.get("HF_HOME") or Path.home() / ".cache/huggingface")
    repo = Path(os.environ.get("HF_HUB_CACHE") or home / "hub") / f"models--{repo_id.replace('/', '--')}"
    try:
        snapshot = repo / "snapshots" / (repo / "refs/main").read_text("ascii").strip()
    except (OSError, UnicodeDecodeError):
        return None
    return snapshot if snapshot.is_dir() else None
