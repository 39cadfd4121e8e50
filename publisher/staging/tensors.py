"""What safetensors files say of themselves: how many values of each type, and the headers of all shards at once."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from starlette.responses import JSONResponse, Response

from publisher.errors import HubpubError
from publisher.staging.call import Call
from publisher.staging.gitstore import MAIN
from publisher.staging.listing import pointer_of
from publisher.staging.repos import Repo
from publisher.staging.responses import bad_request, entry_not_found
from publisher.staging.trees import FILE, Node
from publisher.weights.header import read_header

WEIGHTS = "model.safetensors"


def metadata(call: Call) -> Response:
    """GET .../safetensors-metadata/{path}: the headers of all shards of an index on main.

    Raises:
        RefusalError: 404 without that index or one of its shards, 400 where either is damaged.
    """
    repo, path = call.open_repo(), call.params["path"]
    git = call.git(repo)
    head = git.resolve(MAIN)
    node = git.node(head, path)
    if node is None or node.mode != FILE:
        raise entry_not_found(f"Entry not found: {path}", head)
    index = json_object(git.blob(node.sha))
    if not isinstance(index.get("weight_map"), dict):
        raise bad_request(f"{path} is no index of safetensors files")
    folder = path.rpartition("/")[0]
    headers = {}
    for shard in _shards(index):
        place = f"{folder}/{shard}" if folder else shard
        found = git.node(head, place)
        pointer = None if found is None else pointer_of(call, repo, found)
        if pointer is None:
            raise entry_not_found(f"Entry not found: {place}", head)
        file = call.state.large.path(pointer.oid)
        if _values_in(file) is None:
            raise bad_request(f"{place} is no safetensors file")
        headers[shard] = _header(file)
    return JSONResponse({"index": {"metadata": index.get("metadata")}, "headers": headers})


def parameters(call: Call, repo: Repo, files: Mapping[str, Node]) -> dict[str, int] | None:
    """How many values of each type the weights have; None without weights, or where one of the files is damaged."""
    git, index = call.git(repo), f"{WEIGHTS}.index.json"
    shards = [WEIGHTS]
    if WEIGHTS not in files and index in files:
        shards = _shards(json_object(git.blob(files[index].sha)))
    counted: dict[str, int] = {}
    for shard in shards:
        pointer = pointer_of(call, repo, files[shard]) if shard in files else None
        values = None if pointer is None else _values_in(call.state.large.path(pointer.oid))
        if values is None:
            return None
        for dtype, count in values.items():
            counted[dtype] = counted.get(dtype, 0) + count
    return dict(sorted(counted.items()))


def json_object(content: bytes) -> dict[str, Any]:
    """A file that should be a JSON object; an empty one where it is none."""
    try:
        read = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return read if isinstance(read, dict) else {}


def _shards(index: Mapping[str, Any]) -> list[str]:
    weight_map = index.get("weight_map")
    return sorted({str(each) for each in weight_map.values()}) if isinstance(weight_map, dict) else []


@functools.lru_cache(maxsize=1024)
def _values_in(file: Path) -> Mapping[str, int] | None:
    """How many values of each type a file has; None for one that is damaged. Remembered: its name is its digest."""
    try:
        tensors = read_header(file).tensors.values()
    except (HubpubError, RecursionError):
        return None
    counted: dict[str, int] = {}
    for tensor in tensors:
        counted[tensor.dtype] = counted.get(tensor.dtype, 0) + tensor.elements
    return counted


def _header(file: Path) -> dict[str, Any]:
    """The header as it stands in a file that was proven to have one."""
    with file.open("rb") as stream:
        return json_object(stream.read(int.from_bytes(stream.read(8), "little")))
