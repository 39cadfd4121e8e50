"""One row on its way into a dataset, and what a source of such rows is."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from publisher.data.enhance.records import Target
from publisher.manifest.dataset import ExpressionType
from publisher.records.facts import Json, Measurement

Row = dict[str, Json]
OnProgress = Callable[[int, int], None]  # so many scenes or files read, of so many


@dataclass(frozen=True)
class Picture:
    """An image that is read when it is written: a dataset of many holds none of them in memory."""

    name: str
    read: Callable[[], bytes] = field(compare=False)

    @property
    def cell(self) -> Json:
        """What an image column holds."""
        return {"bytes": self.read(), "path": self.name}


@dataclass(frozen=True)
class Origin:
    """Who says it: a rule of the grammar, or a model by a version of a prompt; None = not known."""

    type: ExpressionType = "original"
    rule: str | None = None
    model: str | None = None
    prompt_version: str | None = None


@dataclass(frozen=True)
class Sample:
    """One answer, and what it answers.

    Attributes:
        answer: what a model is to say.
        asks: what it is asked: the prompt, or the turns before the answer.
        shown: which pictures it sees, by name; with `asks` and `answer` all that a training reads.
        group: what stays on one side of the split, such as all patches that were cut from one photo.
        where: place of the source, for people: `rows.jsonl:12`.
        columns: the other columns, as the source has them.
        scene: the image that the answer is about, `item`: what in it; empty where the source knows no such thing.
        split: the side that the source itself puts it on.
    """

    answer: str
    asks: str
    group: str
    where: str
    columns: Mapping[str, Json] = field(compare=False)
    shown: tuple[str, ...] = ()
    scene: str = ""
    item: int = 0
    origin: Origin = Origin()
    split: str | None = None

    @property
    def trained(self) -> tuple[object, ...]:
        """Everything of it that a training reads."""
        return (self.asks, self.answer, self.shown)

    def said(self, answer: str, origin: Origin) -> Sample:
        """The same item in other words."""
        return replace(self, answer=answer, origin=origin)


@dataclass(frozen=True)
class Drawn:
    """What a source gives: samples in order, how many it made in all, and why it dropped some on the way itself."""

    samples: tuple[Sample, ...]
    made: int
    dropped: Mapping[str, int]


class Source(Protocol):
    """Where samples come from."""

    @property
    def features(self) -> Mapping[str, Json]:
        """The columns of its rows, as `datasets` writes them. Known when it was read."""

    def read(self, on_progress: OnProgress) -> Drawn:
        """Every sample.

        Raises:
            HubpubError: HP-D01, HP-D02, HP-D03, HP-D06: what is wrong with the source, and where.
        """

    def row(self, sample: Sample) -> Row:
        """A sample as a row: a value for every column; `Picture`s stand where images belong."""

    def category(self, sample: Sample) -> str:
        """What kind of thing it is about; empty where the source knows no such thing."""

    def is_ambiguous(self, sample: Sample) -> bool:
        """Whether the answer fits another item of its scene too, as far as it can be read by rule."""

    def targets(self, samples: Iterable[Sample]) -> Collection[Target]:
        """What a language model may say in other words: the items of these samples, each with its pictures."""

    def measure(self, splits: Mapping[str, Iterable[Sample]]) -> tuple[Measurement, ...]:
        """What only the source can tell of the rows that stay, by split."""
