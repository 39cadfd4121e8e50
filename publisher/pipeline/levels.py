"""How far each artifact is proven: as its manifest says, and no further than the command line asks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from publisher.manifest.schema import Manifest
from publisher.records.artifacts import Kind
from publisher.records.digest import digest
from publisher.records.receipts import PROOF_LEVELS, ProofLevel, least


@dataclass(frozen=True)
class Levels:
    """A level for each artifact. `own` is what the manifest says of some, `most` what the command line allows all."""

    own: Mapping[Kind, ProofLevel]
    most: ProofLevel = "run"

    @classmethod
    def of(cls, manifest: Manifest, most: ProofLevel = "run") -> Levels:
        """The levels of a manifest's artifacts."""
        own = {kind: artifact.proof for kind, artifact in manifest.artifacts.items()}
        return cls({kind: level for kind, level in own.items() if level != "run"}, most)

    def __getitem__(self, kind: Kind) -> ProofLevel:
        """The level of one artifact."""
        return least((self.own.get(kind, "run"), self.most))

    @property
    def digest(self) -> str:
        """All of them."""
        return digest([self.own, self.most])

    @property
    def stronger(self) -> Iterator[Levels]:
        """What the manifest allows above this, the most first: a result of these serves whoever asks for less."""
        above = PROOF_LEVELS[PROOF_LEVELS.index(self.most) + 1 :]
        return (replace(self, most=level) for level in reversed(above))
