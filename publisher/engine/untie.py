"""Models whose output head is their input embedding, and adapters that trained the two apart.

peft unties them when it merges: the head becomes a tensor of its own, and the model has as many parameters more.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from publisher.errors import HubpubError
from publisher.records.facts import Json
from publisher.weights.assemble import Part, assemble
from publisher.weights.describe import is_embedding, is_head
from publisher.weights.header import TensorEntry, read_header
from publisher.weights.lora import Adapter, LoraPair
from publisher.weights.shards import ShardSet

_PIECE = 1 << 22  # elements


@dataclass(frozen=True)
class Untied:
    """A head that gets a place of its own.

    Attributes:
        name: of the new tensor.
        saved: the adapter's tensor that it is made of.
        like: the base's embedding, whose type it gets.
        shard: the file that it is put into: the embedding's.
    """

    name: str
    saved: TensorEntry
    like: TensorEntry
    shard: str

    def indexed(self, index: dict[str, Any]) -> dict[str, Any]:
        """The shard index with the head in it."""
        metadata = dict(index.get("metadata") or {})
        for key, more in (
            ("total_size", self.like.stop - self.like.start),
            ("total_parameters", self.like.elements),
        ):
            if isinstance(metadata.get(key), int):
                metadata[key] += more
        places = dict(sorted({**index["weight_map"], self.name: self.shard}.items()))
        return {**index, "metadata": metadata, "weight_map": places}

    def write_config(self, config: dict[str, Any], folder: Path) -> None:
        """The configuration, with its word for tied embeddings turned wherever it stands."""
        content: dict[str, Json] = {**config, "tie_word_embeddings": False}
        for key, part in config.items():
            if isinstance(part, dict) and "tie_word_embeddings" in part:
                content[key] = {**part, "tie_word_embeddings": False}
        text = json.dumps(content, indent=2, ensure_ascii=False)
        (folder / "config.json").write_text(text + "\n", encoding="utf-8")


def find_untied(
    adapter: Adapter,
    shards: ShardSet,
    pairs: Mapping[str, LoraPair],
    saved: Mapping[str, TensorEntry],
    *,
    tied: bool,
) -> Untied | None:
    """The head that a merge makes a tensor of its own; None where the model stays as it is.

    `pairs` and `saved` are what `find_weights` and `find_saved` found for the adapter in these shards.

    Raises:
        HubpubError: HP-A06, a tied embedding was adapted alone: what the head should become, nobody can tell.
    """
    if not tied:
        return None
    if shared := [name for name in pairs if is_head(name) or is_embedding(name)]:
        raise _refused(
            adapter, shared[0], "train without `lm_head` and `embed_tokens` among the target modules"
        )
    head = next((name for name in saved if is_head(name)), None)
    embedding = next((name for name in saved if is_embedding(name)), None)
    if head is None:
        if embedding is not None and not adapter.config.get("ensure_weight_tying"):
            raise _refused(
                adapter,
                embedding,
                "save `lm_head` with it in modules_to_save, or train with ensure_weight_tying=True",
            )
        return None
    if embedding is not None and _same_bytes(adapter, saved[head], saved[embedding]):
        return None  # trained as one: they stay one
    like = next(tensor for name, tensor in shards.tensors.items() if is_embedding(name))
    return Untied(head, saved[head], like, shards.shard_of(like.name).file.name)


def add_head(part: Path, untied: Untied, adapter: Adapter) -> None:
    """Write a shard anew with the head in it."""
    header = read_header(part)
    spool, whole = part.with_suffix(".head"), part.with_suffix(".whole")
    with spool.open("wb") as stream:
        for piece in _converted(untied, adapter):
            stream.write(piece)
    length = spool.stat().st_size
    parts = [
        Part(tensor.name, tensor.dtype, tensor.shape, part, tensor.start, tensor.stop)
        for tensor in header.tensors.values()
        if tensor.name != untied.name
    ]
    head = Part(untied.name, untied.like.dtype, untied.saved.shape, spool, 0, length)
    assemble([*parts, head], whole, header.metadata)
    whole.replace(part)
    spool.unlink()


def _converted(untied: Untied, adapter: Adapter) -> Iterator[memoryview]:
    import torch

    source, target = (getattr(torch, entry.torch_dtype) for entry in (untied.saved, untied.like))
    left = untied.saved.stop - untied.saved.start
    with adapter.header.file.open("rb") as stream:
        stream.seek(untied.saved.start)
        while left:
            raw = bytearray(stream.read(min(left, 4 * _PIECE)))
            left -= len(raw)
            yield torch.frombuffer(raw, dtype=source).to(target).view(torch.uint8).numpy().data


def _same_bytes(adapter: Adapter, one: TensorEntry, other: TensorEntry) -> bool:
    if (one.dtype, one.shape) != (other.dtype, other.shape):
        return False
    with adapter.header.file.open("rb") as left, adapter.header.file.open("rb") as right:
        left.seek(one.start)
        right.seek(other.start)
        count = one.stop - one.start
        return all(
            left.read(min(_PIECE, count - at)) == right.read(min(_PIECE, count - at))
            for at in range(0, count, _PIECE)
        )


def _refused(adapter: Adapter, name: str, hint: str) -> HubpubError:
    return HubpubError(
        "HP-A06",
        f"the adapter changes {name}, which the base uses for input and output alike",
        hint=hint,
        where=str(adapter.folder),
        features=[name],
    )
