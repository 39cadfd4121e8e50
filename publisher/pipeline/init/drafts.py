"""A release before it is written: what a source says of model and repos, and what an old card says in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from publisher.card.handwritten import Claim, Left
from publisher.manifest.compose import Key


@dataclass(frozen=True)
class Model:
    """What a source says of the model, or of the dataset that is released without one.

    Attributes:
        source: in words, for the manifest's first line.
        base, adapter, artifacts: keys of the manifest; `run`: what the trainer wrote down, where it left something.
        dataset: what the rows are made of, where they are what is released.
        public: whether what is adopted is public now; None = nothing is adopted.
        told: what was measured in passing. It is for the terminal: a release measures it again as facts.
    """

    source: str
    base: Key | None  # None: a dataset is released by itself
    adapter: Key | None  # None: nothing was trained
    artifacts: Key
    run: Key | None = None
    dataset: Key | None = None
    public: bool | None = None
    told: tuple[str, ...] = ()


@dataclass(frozen=True)
class Listed:
    """A claim and the id under which the manifest lists it."""

    id: str
    claim: Claim


@dataclass(frozen=True)
class Words:
    """What a card says: keys of the manifest, prose files by name, claims to confirm or drop, and what was left."""

    name: str  # of the card's file
    licence: tuple[Key, ...] = ()
    base: Key | None = None  # as the card names it
    dataset: Key | None = None
    card: tuple[Key, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    claims: tuple[Listed, ...] = ()
    left: tuple[Left, ...] = ()
    doubts: tuple[str, ...] = ()  # about what is none of the claims


@dataclass(frozen=True)
class Draft:
    """A release, ready to be written."""

    name: str
    owner: Key | None  # None: the project's
    model: Model
    words: Words
