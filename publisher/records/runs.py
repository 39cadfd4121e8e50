"""What stages make: frozen records that the runner hands from one stage to the next, by type."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from publisher.records.artifacts import KINDS, Artifact, FileRecord, Kind, RepoRef
from publisher.records.digest import digest
from publisher.records.facts import Fact


@dataclass(frozen=True)
class Pins:
    """The base as adapters and cards name it: its Hub id, and the commit or tag that it is pinned to.

    Only the id counts towards what a stage depends on: an adapter that was trained on version 1.0.0 of a base goes
    on pointing there when the next version of the release leaves the base as it is.
    """

    base_repo: str
    base_revision: str | None

    @property
    def digest(self) -> str:
        """The id."""
        return self.base_repo


@dataclass(frozen=True)
class Identity:
    """What the release and its repos are called, and who may see them."""

    name: str
    refs: Mapping[Kind, RepoRef]
    private: Mapping[Kind, bool]

    @property
    def digest(self) -> str:
        """All of it."""
        return digest([self.name, self.refs, self.private])


@dataclass(frozen=True)
class Made:
    """An artifact and the facts that were measured while it was made.

    Nothing else, so that it can be had again from the lock (facts) and the Hub (files) on any machine.
    """

    artifact: Artifact
    facts: tuple[Fact, ...]

    @property
    def digest(self) -> str:
        """What later stages depend on: the bytes, not how long they took to make."""
        return self.artifact.digest


class Base(Made):
    """The base model, ready to load; published only where the release lists it."""


class Dataset(Made):
    """Parquet with a training and a held-out split."""


class Adapter(Made):
    """A LoRA adapter, trained here or adopted."""


class Merged(Made):
    """Base and adapter in one, full precision."""


class Quantized(Made):
    """The 4-bit checkpoint."""


class Ggufs(Made):
    """GGUF files, for llama.cpp and what is built on it."""


@dataclass(frozen=True)
class Variants:
    """Weights that other programs quantized, brought by their maker: an artifact for each form, and the facts of all."""

    artifacts: tuple[Artifact, ...]
    facts: tuple[Fact, ...]

    @property
    def digest(self) -> str:
        """The bytes of all of them."""
        return digest([artifact.digest for artifact in self.artifacts])


def each_of(variants: Variants | None) -> tuple[Made, ...]:
    """The variants one by one, each with its own facts; none where there are none."""
    if variants is None:
        return ()
    return tuple(
        Made(
            artifact,
            tuple(fact for fact in variants.facts if fact.id.partition(".")[0] == artifact.kind),
        )
        for artifact in variants.artifacts
    )


@dataclass(frozen=True)
class Measured:
    """Facts alone: what validate and evaluate bring."""

    facts: tuple[Fact, ...]

    @property
    def digest(self) -> str:
        """What was measured."""
        return digest(self.facts)


class Imported(Measured):
    """What another trainer wrote down of the training that made the adapter."""


class Benchmarks(Measured):
    """What lm-evaluation-harness measured of the models on public benchmarks, outside this release."""


class Convertible(Measured):
    """What is to become GGUF can become it: its architecture and its tokenizer are known to the converter."""


class Validation(Measured):
    """The artifacts ran here, and how."""


class Evaluation(Measured):
    """Held-out numbers."""


class Signatures(Measured):
    """The signature over each released artifact's files, by whose key, and what they were made of."""

    @property
    def signed_by(self) -> dict[Kind, str]:
        """The fingerprint of the public key, artifact by artifact."""
        by_id = {fact.id: str(fact.value) for fact in self.facts}
        return {kind: by_id[f"{kind}.signed_by"] for kind in KINDS if f"{kind}.signed_by" in by_id}


@dataclass(frozen=True)
class Cards:
    """The card files of each artifact, README.md first among them; they lie in the artifacts' folders."""

    files: Mapping[Kind, tuple[FileRecord, ...]]

    @property
    def digest(self) -> str:
        """Digest of all card files."""
        return digest({kind: list(files) for kind, files in self.files.items()})
