"""Which number of a card comes from where: marks become spans, and every other number gets its reason."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from publisher.card.markdown import stretches
from publisher.card.marks import Because, Marked
from publisher.card.numbers import UNACCOUNTED, Account, NumberReader
from publisher.card.readme import front_matter_end
from publisher.card.view import CardInput, Prose
from publisher.records.facts import Fact, StatedSource

SCHEMA = "hubpub/trace/1"


@dataclass(frozen=True)
class Span:
    """A piece of a card and where it comes from: exactly one of `fact`, `stated` and `reason` is set.

    `start` and `end` are byte offsets into the UTF-8 text, `line` counts from 1. `fact` and `stated` are ids.
    """

    start: int
    end: int
    line: int
    text: str
    fact: str | None = None
    stated: str | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Region:
    """A person's words inside a card: byte offsets, the section and the file that they come from."""

    start: int
    end: int
    line: int
    section: str
    path: str


@dataclass(frozen=True)
class Rendered:
    """A finished card. Every number in `text` lies in exactly one of `spans`."""

    text: str
    spans: tuple[Span, ...]
    regions: tuple[Region, ...] = ()


def trace(text: str, marked: Iterable[Marked], card: CardInput) -> Rendered:
    """Account for every number of a text.

    Args:
        text: the finished card.
        marked: what was printed from facts and prose files, in characters.
        card: whose names, version and facts the rest is compared with.
    """
    pieces = tuple(marked)
    printed = [piece for piece in pieces if isinstance(piece.origin, Fact)]
    reader = NumberReader(text, card)
    for start, end, account in _known_stretches(text, pieces):
        reader.mark(start, end, account)

    found = [(piece.start, piece.end, _account_of(piece.origin)) for piece in printed]
    found += reader.read(_gaps(len(text), printed))
    found.sort(key=lambda span: span[0])

    place = _Places(text)
    spans = tuple(
        Span(
            place.byte(start), place.byte(end), place.line(start), text[start:end], a.fact, a.stated, a.reason
        )
        for start, end, a in found
    )
    regions = tuple(
        Region(
            place.byte(piece.start),
            place.byte(piece.end),
            place.line(piece.start),
            piece.origin.section,
            piece.origin.path,
        )
        for piece in pieces
        if isinstance(piece.origin, Prose)
    )
    return Rendered(text, spans, regions)


def unaccounted(rendered: Rendered) -> list[Span]:
    """Numbers that neither a fact nor the author's statement stands behind."""
    return [span for span in rendered.spans if span.reason == UNACCOUNTED]


def document(cards: Iterable[tuple[str, str, Rendered]]) -> dict[str, Any]:
    """The trace of several cards as JSON; each is given as artifact, path and card."""
    return {
        "schema": SCHEMA,
        "cards": [
            {"artifact": artifact, "path": path, "spans": [_json(span) for span in rendered.spans]}
            for artifact, path, rendered in cards
        ],
    }


def _json(span: Span) -> dict[str, Any]:
    origin = {"fact": span.fact, "stated": span.stated, "reason": span.reason}
    return {
        "start": span.start,
        "end": span.end,
        "line": span.line,
        "text": span.text,
        **{key: value for key, value in origin.items() if value is not None},
    }


def _account_of(fact: object) -> Account:
    if not isinstance(fact, Fact):
        raise TypeError("only facts are printed with an account")
    return Account(stated=fact.id) if isinstance(fact.source, StatedSource) else Account(fact=fact.id)


def _known_stretches(text: str, marked: Iterable[Marked]) -> Iterator[tuple[int, int, Account]]:
    """What is no prose: front matter, code, links, and the words of a check."""
    body = front_matter_end(text)
    yield 0, body, Account(reason="front matter")
    for stretch in stretches(text[body:], body):
        yield stretch.start, stretch.end, Account(reason=stretch.what)
    for piece in marked:
        if isinstance(piece.origin, Because):
            yield piece.start, piece.end, Account(reason=piece.origin.reason)


def _gaps(length: int, printed: Iterable[Marked]) -> Iterator[tuple[int, int]]:
    """What lies between the printed facts; they are sorted and never inside one another."""
    position = 0
    for piece in printed:
        yield position, piece.start
        position = piece.end
    yield position, length


class _Places:
    """Characters of a text as bytes and lines."""

    def __init__(self, text: str) -> None:
        self._bytes = [0, *accumulate(len(character.encode()) for character in text)]
        self._lines = [1, *accumulate((character == "\n" for character in text), initial=1)][1:]

    def byte(self, character: int) -> int:
        return self._bytes[character]

    def line(self, character: int) -> int:
        return self._lines[character]
