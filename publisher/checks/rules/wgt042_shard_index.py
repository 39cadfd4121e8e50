"""WGT042 shard-index: the shard index and the shards do not agree.

Why   a missing shard or tensor is a load error at best; some engines go on with random weights in its place.
Fix   save the model again, or upload the shard that the index names.

Bad
    model.safetensors.index.json:
        {
          "metadata": {"total_size": 256},
          "weight_map": { ←
            "a": "model-00001-of-00002.safetensors",
            "b": "model-00002-of-00002.safetensors"
          }
        }
    model-00001-of-00002.safetensors (safetensors):
        a F32 8x8
Bad
    model.safetensors.index.json:
        {
          "metadata": {"total_size": 1}, ←
          "weight_map": {"a": "model-00001-of-00001.safetensors"}
        }
    model-00001-of-00001.safetensors (safetensors):
        a F32 8x8
Good
    model.safetensors.index.json:
        {
          "metadata": {"total_size": 512},
          "weight_map": {
            "a": "model-00001-of-00002.safetensors",
            "b": "model-00002-of-00002.safetensors"
          }
        }
    model-00001-of-00002.safetensors (safetensors):
        a F32 8x8
    model-00002-of-00002.safetensors (safetensors):
        b F32 8x8
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from publisher.checks.observe.jsons import JsonFile
from publisher.checks.observe.target import ShardIndexes
from publisher.checks.observe.tensors import Header, Headers
from publisher.checks.quoting import quote
from publisher.checks.rule import Edit, Fault, Skip, rule
from publisher.records.findings import Severity

_SHARD = re.compile(r"(.{1,200})-\d{5}-of-\d{5}\.safetensors")


@rule(Severity.ERROR, fixable=True)
def shard_index(indexes: ShardIndexes, headers: Headers | None) -> Iterator[Fault | Skip]:
    """Compare each index with the headers of the shards beside it."""
    by_path = {header.path: header for header in (headers.files if headers is not None else ())}
    for index in indexes.files:
        yield from _check(index, by_path)


def _check(index: JsonFile, by_path: dict[str, Header]) -> Iterator[Fault | Skip]:
    weight_map = index.data.get("weight_map")
    line = index.line("weight_map")
    if not isinstance(weight_map, dict) or not all(isinstance(shard, str) for shard in weight_map.values()):
        yield Fault(
            "weight_map is not a mapping of tensors to files", index.path, line, hint="save the model again"
        )
        return
    folder = index.path.rpartition("/")[0]
    places = {name: f"{folder}/{shard}" if folder else shard for name, shard in weight_map.items()}
    shards = {place: by_path.get(place) for place in places.values()}
    missing = sorted(place for place, header in shards.items() if header is None)
    for place in missing:
        yield Fault(f"the index names {quote(place)}, which is not here", index.path, line, hint="upload it")
    headers = {place: header for place, header in shards.items() if header is not None}
    unread = sorted(place for place, header in headers.items() if header.pointer or header.faults)
    if unread:
        yield Skip(f"{unread[0]} is damaged or a Git LFS pointer")
    if missing or unread:
        return
    absent = [name for name, place in places.items() if name not in headers[place].tensors]
    if absent:
        what = f"{quote(absent[0])} is not in {quote(places[absent[0]])}"
        more = f", and {len(absent) - 1} more are not where the index says" if len(absent) > 1 else ""
        yield Fault(
            what + more,
            index.path,
            line,
            hint="save the model again, or rebuild the index",
            edit=_rebuilt(index, headers),
        )
    yield from _strays(index, headers, by_path, places)
    yield from _total(index, headers)


def _strays(
    index: JsonFile, headers: dict[str, Header], by_path: dict[str, Header], places: dict[str, str]
) -> Iterator[Fault]:
    """Tensors and shards that the index does not know: they are downloaded and never loaded."""
    for place, header in sorted(headers.items()):
        unknown = [name for name in header.tensors if places.get(name) != place]
        if unknown:
            message = f"{len(unknown)} tensors, first {quote(unknown[0])}, are not in the index"
            yield Fault(message, place, hint="rebuild the index", edit=_rebuilt(index, headers))
    stem = index.path.removesuffix(".safetensors.index.json")
    for path in sorted(by_path):
        shard = _SHARD.fullmatch(path)
        if shard is not None and shard[1] == stem and path not in headers:
            yield Fault(
                f"a shard that {quote(index.path)} does not name",
                path,
                hint="delete it, or rebuild the index",
            )


def _total(index: JsonFile, headers: dict[str, Header]) -> Iterator[Fault]:
    metadata = index.data.get("metadata")
    stated = metadata.get("total_size") if isinstance(metadata, dict) else None
    total = sum(
        tensor.end - tensor.start for header in headers.values() for tensor in header.tensors.values()
    )
    if isinstance(stated, int | float) and stated != total:
        # Loaders do not need the number; it is what download tools and the Hub show.
        yield Fault(
            f"total_size is {stated:,}, the shards' tensors have {total:,} bytes",
            index.path,
            index.line("metadata"),
            hint=f'"total_size": {total}',
            severity=Severity.WARNING,
            edit=_rebuilt(index, headers),
        )


def _rebuilt(index: JsonFile, headers: dict[str, Header]) -> Edit | None:
    """The index as `save_pretrained` writes it, from the shards that it names; None where two hold one tensor, or none does."""
    folder = index.path.rpartition("/")[0]
    shards = {place: place.removeprefix(f"{folder}/") for place in headers}
    held = [(name, shards[place]) for place, header in headers.items() for name in header.tensors]
    weight_map = dict(sorted(held))
    if len(weight_map) != len(held) or not set(index.data["weight_map"]) <= weight_map.keys():
        return None  # a tensor that is nowhere is not mended by forgetting it
    stated = index.data.get("metadata")
    metadata = {
        **(stated if isinstance(stated, dict) else {}),
        "total_size": sum(t.end - t.start for header in headers.values() for t in header.tensors.values()),
    }
    whole = json.dumps({"metadata": metadata, "weight_map": weight_map}, indent=2)
    return Edit(index.path, 1, whole + "\n" * index.text.endswith("\n"), 1, before=index.text)
