"""How far the weights of two versions are apart, module by module. A piece of one tensor of each is in memory at a time.

Numbers are Frobenius norms in float64. Of an adapter it is the product that counts, s · B · A, not the two matrices: many
pairs of these have one product.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from publisher.errors import HubpubError
from publisher.weights.header import TensorEntry
from publisher.weights.lora import Adapter, LoraPair
from publisher.weights.shards import ShardSet

PIECE = 1 << 23  # values of a tensor that are read at a time
_WIDTH = {"F32": 4, "F16": 2, "BF16": 2}
Array = Any  # numpy.ndarray; naming it would import numpy


@dataclass(frozen=True)
class Weights:
    """The tensors of a model, wherever they lie.

    Attributes:
        tensors: by name, each with its place in its file.
        files: tensor → file.
        read: the bytes of a file from one offset up to another.
    """

    tensors: Mapping[str, TensorEntry]
    files: Mapping[str, str]
    read: Callable[[str, int, int], bytes]

    @classmethod
    def here(cls, shards: ShardSet) -> Weights:
        """Those of a folder."""
        files = {name: str(shard.file) for shard in shards.shards for name in shard.tensors}
        return cls(shards.tensors, files, _read_file)


@dataclass(frozen=True)
class ModuleNorm:
    """One module: the norm of its change, and that of what it was; None where one of the two versions lacks it."""

    module: str
    change: float | None
    before: float | None

    @property
    def relative(self) -> float | None:
        """The change as a share of what was there."""
        return self.change / self.before if self.change is not None and self.before else None


def norms_of(old: Weights, new: Weights) -> Iterator[ModuleNorm]:
    """Each module of either version, by name.

    A tensor of another shape counts as one that the other version lacks. Types may differ; packed weights are left out.

    Raises:
        HubpubError: HP-E01, numpy is missing.
    """
    modules: dict[str, list[str]] = {}
    for name in sorted(old.tensors.keys() | new.tensors.keys()):
        modules.setdefault(name.rpartition(".")[0] or name, []).append(name)
    for module, names in modules.items():
        known = [each[name] for name in names for each in (old.tensors, new.tensors) if name in each]
        if all(entry.dtype in _WIDTH for entry in known):
            yield _module(module, names, old, new)


def adapter_norms(old: Adapter, new: Adapter) -> Iterator[ModuleNorm]:
    """The same of two adapters: of the product that each module's weight gains.

    Raises:
        HubpubError: HP-E01, numpy is missing.
    """
    before, now = ({pair.module: pair for pair in adapter.pairs} for adapter in (old, new))
    for module in sorted(before.keys() | now.keys()):
        if module in before and module in now:
            was, is_ = _matrices(old, before[module]), _matrices(new, now[module])
            yield ModuleNorm(module, _product_norm(was, is_), _product_norm(was))
        else:
            yield ModuleNorm(module, None, None)


def _module(module: str, names: list[str], old: Weights, new: Weights) -> ModuleNorm:
    change = before = 0.0
    for name in names:
        was, is_ = old.tensors.get(name), new.tensors.get(name)
        if was is None or is_ is None or was.shape != is_.shape:
            return ModuleNorm(module, None, None)
        for left, right in zip(_pieces(old, was), _pieces(new, is_), strict=True):
            change += float(((right - left) ** 2).sum())
            before += float((left**2).sum())
    return ModuleNorm(module, change**0.5, before**0.5)


def _pieces(weights: Weights, entry: TensorEntry) -> Iterator[Array]:
    width = _WIDTH[entry.dtype]
    for start in range(entry.start, entry.stop, PIECE * width):
        stop = min(entry.stop, start + PIECE * width)
        yield _values(weights.read(weights.files[entry.name], start, stop), entry.dtype)


def _values(raw: bytes, dtype: str) -> Array:
    """Little-endian numbers as float64; a bfloat16 is the upper half of a float32."""
    numpy = _numpy()
    if dtype == "BF16":
        halves = numpy.frombuffer(raw, "<u2").astype("<u4") << 16
        return halves.view("<f4").astype("f8")
    return numpy.frombuffer(raw, {"F32": "<f4", "F16": "<f2"}[dtype]).astype("f8")


def _matrices(adapter: Adapter, pair: LoraPair) -> tuple[Array, Array]:
    def matrix(entry: TensorEntry) -> Array:
        raw = _read_file(str(adapter.header.file), entry.start, entry.stop)
        return _values(raw, entry.dtype).reshape(entry.shape)

    return pair.scale * matrix(pair.up), matrix(pair.down)


def _product_norm(was: tuple[Array, Array], now: tuple[Array, Array] | None = None) -> float:
    """|B A|, or |B' A' - B A|, from matrices no larger than the rank: |X Y|² is the trace of (XᵀX)(YYᵀ)."""
    numpy = _numpy()
    up, down = was
    if now is not None:
        up, down = numpy.concatenate([now[0], -up], axis=1), numpy.concatenate([now[1], down])
    square = float(((up.T @ up) * (down @ down.T)).sum())
    return float(max(0.0, square) ** 0.5)


def _read_file(file: str, start: int, stop: int) -> bytes:
    with Path(file).open("rb") as stream:
        stream.seek(start)
        return stream.read(stop - start)


def _numpy() -> Any:
    try:
        import numpy as np
    except ImportError as error:
        raise HubpubError(
            "HP-E01",
            "norms are computed with numpy, which is not installed",
            hint='pip install "hubpub[models]"',
            package="numpy",
        ) from error
    return np
