"""The weight files of a model folder: one safetensors file, or shards with an index. Pickles are refused."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from publisher.errors import HubpubError
from publisher.weights.header import Header, TensorEntry, read_header

# Formats whose loading runs code, or may: https://docs.python.org/3/library/pickle.html
PICKLE_SUFFIXES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".msgpack", ".h5")


@dataclass(frozen=True)
class ShardSet:
    """All weights of one model, by their headers.

    `index` is the index file of a sharded model, None where there is one file only.
    """

    folder: Path
    shards: tuple[Header, ...]
    index: Path | None

    @property
    def tensors(self) -> Mapping[str, TensorEntry]:
        """All tensors by name."""
        return {name: tensor for shard in self.shards for name, tensor in shard.tensors.items()}

    @property
    def size_bytes(self) -> int:
        """Bytes of the weight files, headers included."""
        return sum(shard.size_bytes for shard in self.shards)

    def shard_of(self, tensor: str) -> Header:
        """The shard that holds a tensor."""
        return next(shard for shard in self.shards if tensor in shard.tensors)


def read_shards(folder: Path, stem: str = "model") -> ShardSet:
    """Read the headers of `<stem>.safetensors`, or of what `<stem>.safetensors.index.json` names.

    Raises:
        HubpubError: HP-B04 there are no weights; HP-W01 a damaged file; HP-W02 index and shards disagree;
            HP-W03 there are pickles only.
    """
    single, index = folder / f"{stem}.safetensors", folder / f"{stem}.safetensors.index.json"
    if index.is_file():
        return ShardSet(folder, _indexed(index), index)
    if single.is_file():
        return ShardSet(folder, (read_header(single),), None)
    refuse_pickles(folder)
    raise HubpubError(
        "HP-B04",
        f"{folder} holds neither {single.name} nor {index.name}",
        hint="name a folder with safetensors weights",
        where=str(folder),
    )


def refuse_pickles(folder: Path) -> None:
    """Refuse a folder in which weights lie in a format whose loading runs code.

    Raises:
        HubpubError: HP-W03.
    """
    pickles = sorted(file.name for file in folder.glob("*") if file.suffix in PICKLE_SUFFIXES)
    if pickles:
        raise HubpubError(
            "HP-W03",
            f"{', '.join(pickles)}: loading this format runs code that is in it",
            hint="convert the weights to safetensors where you trust their source, then name the new folder",
            where=str(folder),
            files=pickles,
        )


def _indexed(index: Path) -> tuple[Header, ...]:
    try:
        weight_map = json.loads(index.read_text(encoding="utf-8"))["weight_map"]
        names = sorted(set(weight_map.values()))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _disagree(index, f"{index.name} is not an index of shards") from error
    # A name with a folder in it could point anywhere on this machine.
    if strange := [name for name in names if Path(name).name != name]:
        raise _disagree(
            index, f"{index.name} names files outside its folder: {', '.join(strange)}", files=strange
        )
    if any(name.endswith(PICKLE_SUFFIXES) for name in names):
        refuse_pickles(index.parent)
    if missing := [name for name in names if not (index.parent / name).is_file()]:
        raise _disagree(index, f"shards are missing: {', '.join(missing)}", files=missing)
    headers = tuple(read_header(index.parent / name) for name in names)
    found = {(tensor, header.file.name) for header in headers for tensor in header.tensors}
    wanted = set(weight_map.items())
    if wrong := sorted({tensor for tensor, _ in wanted ^ found}):
        what = f"{len(wrong)} tensors are not where {index.name} says, the first is {wrong[0]}"
        raise _disagree(index, what, tensors=wrong)
    return headers


def _disagree(index: Path, what: str, **data: list[str]) -> HubpubError:
    return HubpubError(
        "HP-W02", what, hint="copy or download the model again, every shard of it", where=str(index), **data
    )
