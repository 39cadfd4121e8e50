"""What changed since an earlier version: digests of tensors, and the version that they are held against."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from publisher.records.artifacts import Kind, RepoRef
from publisher.records.digest import digest
from publisher.records.forms import FORMS
from publisher.records.runs import Measured

# Of these, files are compared whole: rows are no tensors, and other programs' formats have names of their own.
WITHOUT_TENSORS: frozenset[Kind] = frozenset({"dataset", "gguf", *FORMS})


@dataclass(frozen=True)
class Tensor:
    """One tensor: type as safetensors names it, shape, and the sha256 of its bytes in hex."""

    dtype: str
    shape: tuple[int, ...]
    sha256: str


@dataclass(frozen=True)
class Tensors:
    """The tensors of each artifact that has weights, by name."""

    of: Mapping[Kind, Mapping[str, Tensor]]

    @property
    def digest(self) -> str:
        """All of them."""
        return digest(self.of)


@dataclass(frozen=True)
class Earlier:
    """The version that a repo carried before this one: its number, and the commit that its tag is at."""

    ref: RepoRef
    number: str
    commit: str


class Changes(Measured):
    """What is other than in the version before, as facts; none for what is released for the first time."""
