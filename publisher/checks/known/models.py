"""Families of base models as data: which sizes exist, and their shapes. Only what is certain stands there."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

_WORDS = ("Gemma", "Llama", "Qwen", "SmolLM")
_BY_LOWER = {word.lower(): word for word in (*_WORDS, "Mistral", "Mixtral", "TinyLlama")}
_START = r"(?<![A-Za-z0-9])(?:Meta[-_ ])?"
_NAME = rf"{_START}({'|'.join(_WORDS)})[-_ ]?(\d(?:\.\d)?)"
_SIZE = r"((?:\d{1,2}x)?\d{1,3}(?:\.\d{1,2})?[BM])(?![A-Za-z0-9])"
_SIZED = re.compile(rf"{_NAME}[-_ ]{_SIZE}", re.IGNORECASE)
_UNSIZED = re.compile(rf"{_NAME}(?![A-Za-z0-9.])(?![-_ ]\d)", re.IGNORECASE)
# Names without a generation mean the first one; `Gemma 12B` may also be somebody's short word for a later one.
_FIRST = {"Gemma": "1", "SmolLM": "1", "Mistral": "", "Mixtral": "", "TinyLlama": ""}
_PLAIN = re.compile(rf"(?<![A-Za-z0-9])({'|'.join(_FIRST)})[-_ ]{_SIZE}", re.IGNORECASE)
_REST = re.compile(r"[\w.-]{0,60}")
_OWNER = re.compile(r"[A-Za-z0-9][\w.-]{0,60}/\Z")
_INSTRUCT = re.compile(r"(?:^|[-_ ])(?:it|instruct|chat)(?![a-z])", re.IGNORECASE)


@dataclass(frozen=True)
class Shape:
    """One size of a family. A number that is not certain is None."""

    size: str
    layers: int | None = None
    hidden: int | None = None
    intermediate: int | None = None
    heads: int | None = None
    kv_heads: int | None = None
    head_dim: int | None = None
    parameters: int | None = None
    reads: str = ""  # where it differs from the family's other sizes
    experts: int | None = None


@dataclass(frozen=True)
class Family:
    """One generation of a family; `complete`: a size that is not listed does not exist."""

    name: str
    generation: str
    owners: tuple[str, ...]
    complete: bool
    reads: str
    shapes: tuple[Shape, ...]
    vocabulary: int | None = None  # tokens, the same for all its sizes

    @property
    def title(self) -> str:
        """As people write it: Gemma 2."""
        return f"{self.name} {self.generation}".strip()

    def id(self, shape: Shape) -> str:
        """The size's short name: gemma-2-9b."""
        return "-".join(part for part in (self.name.lower(), self.generation, shape.size) if part)

    def shape(self, size: str) -> Shape | None:
        """The shape of a size as it is written in names; None where there is none."""
        return next((shape for shape in self.shapes if shape.size == size.lower()), None)


@dataclass(frozen=True)
class Mention:
    """A family's name in a text. `size` is empty where only the generation was named."""

    text: str
    start: int
    name: str
    generation: str
    size: str
    owner: str
    instruct: bool
    implied: bool = False  # the name says no generation

    @property
    def family(self) -> Family | None:
        """The generation, where it is known here."""
        return family(self.name, self.generation)

    @property
    def shape(self) -> Shape | None:
        """The size's shape; None where the size is not known or does not exist."""
        return None if self.family is None or not self.size else self.family.shape(self.size)

    @property
    def official(self) -> bool:
        """Whether the name is a repo of the family's publisher."""
        return self.family is not None and self.owner in self.family.owners

    @property
    def exists(self) -> bool | None:
        """Whether there is such a size; None where that is not known."""
        if self.shape is not None:
            return True
        if self.family is None or not self.size or not self.family.complete or self.implied:
            return None
        return False


@cache
def families() -> tuple[Family, ...]:
    """All families, generation by generation."""
    data = json.loads(files("publisher.checks.known").joinpath("models.json").read_text("utf-8"))
    return tuple(
        Family(
            entry["family"],
            entry["generation"],
            tuple(entry["owners"]),
            entry["complete"],
            entry["reads"],
            tuple(Shape(**shape) for shape in entry["sizes"]),
            entry.get("vocabulary"),
        )
        for entry in data["families"]
    )


@cache
def vision_tower(title: str) -> tuple[int, int] | None:
    """Layers and hidden size of the tower that reads images, for families of which that is known."""
    data = json.loads(files("publisher.checks.known").joinpath("models.json").read_text("utf-8"))
    tower = data["vision"].get(title.replace(" ", ""))
    return None if tower is None else (tower["layers"], tower["hidden"])


@cache
def family(name: str, generation: str) -> Family | None:
    """One generation of a family."""
    return next((each for each in families() if (each.name, each.generation) == (name, generation)), None)


def of_size(name: str, size: str) -> Iterator[tuple[Family, Shape]]:
    """Every generation of a family that has a size."""
    for each in families():
        shape = each.shape(size)
        if each.name == name and shape is not None:
            yield each, shape


def with_layers(name: str, layers: int) -> Iterator[tuple[Family, Shape]]:
    """Every size of a family's generations that has so many layers."""
    for each in families():
        for shape in each.shapes:
            if each.name == name and shape.layers == layers:
                yield each, shape


def sizes_of(each: Family) -> str:
    """A generation's sizes as a sentence needs them: 2B, 9B and 27B."""
    labels = [shape.size.upper() for shape in each.shapes]
    return labels[0] if len(labels) == 1 else f"{', '.join(labels[:-1])} and {labels[-1]}"


def mentions(text: str, *, sized: bool = True) -> Iterator[Mention]:
    """The families that a text names: with a size, or (`sized=False`) by generation only."""
    if not sized:
        for match in _UNSIZED.finditer(text):
            yield _mention(text, match, match[2], "")
        return
    for match in _SIZED.finditer(text):
        yield _mention(text, match, match[2], match[3])
    for match in _PLAIN.finditer(text):
        yield _mention(text, match, None, match[2])


def _mention(text: str, match: re.Match[str], generation: str | None, size: str) -> Mention:
    name = _BY_LOWER[match[1].lower()]
    owner = _OWNER.search(text, max(0, match.start() - 62), match.start())
    rest = _REST.match(text, match.end())
    return Mention(
        match[0],
        match.start(),
        name,
        _FIRST[name] if generation is None else {"1.1": "1"}.get(generation, generation.removesuffix(".0")),
        size.lower(),
        owner[0][:-1] if owner else "",
        rest is not None and _INSTRUCT.search(rest[0]) is not None,
        implied=generation is None,
    )
