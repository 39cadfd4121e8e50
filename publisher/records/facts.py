"""Facts: single values with their evidence. The only way a number reaches a card."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Json = Any  # None, bool, int, float, str, list or dict: what json.loads returns

Status = Literal["known", "unknown", "refused"]


@dataclass(frozen=True)
class Measurement:
    """One value at the moment it was measured; `publisher.evidence` turns it into a Fact.

    Attributes:
        id: dotted and lower case, stage or artifact first: `train.final_loss`, `nf4.size_bytes`.
        value: JSON; None unless the status is known.
        unit: `bytes`, `s`, `tokens`, `nats/token`, `rows` …; None for names, flags and ratios.
        status: unknown = could not be measured; refused = must not be measured (a stand-in's quality).
    """

    id: str
    value: Json
    unit: str | None = None
    status: Status = "known"


@dataclass(frozen=True)
class FileSource:
    """Evidence in a file: a path relative to the workspace and to the released repo alike."""

    path: str
    sha256: str
    pointer: str = ""  # RFC 6901, into a JSON file; empty = the file as a whole


@dataclass(frozen=True)
class CommandSource:
    """Evidence in a command's output."""

    command: str
    sha256: str


@dataclass(frozen=True)
class StatedSource:
    """No evidence but the author's word; the card says so."""

    stated: str


Source = FileSource | CommandSource | StatedSource


@dataclass(frozen=True)
class Fact:
    """One value, who measured it, and what proves it."""

    id: str
    value: Json
    unit: str | None
    status: Status
    stage: str
    source: Source
    stand_in: bool = False

    @property
    def known(self) -> bool:
        """Whether there is a value to speak of."""
        return self.status == "known"


class Facts(Mapping[str, Fact]):
    """An immutable set of facts by id."""

    def __init__(self, facts: Iterable[Fact] = ()) -> None:
        self._by_id: dict[str, Fact] = {}
        for fact in facts:
            if self._by_id.setdefault(fact.id, fact) != fact:
                raise ValueError(f"two different facts have the id {fact.id}")

    def __getitem__(self, fact_id: str) -> Fact:
        return self._by_id[fact_id]

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._by_id))

    def __len__(self) -> int:
        return len(self._by_id)

    def value(self, fact_id: str, default: Json = None) -> Json:
        """The value of a known fact, else `default`."""
        fact = self._by_id.get(fact_id)
        return fact.value if fact is not None and fact.known else default
