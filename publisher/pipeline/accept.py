"""Numbers of the prose that nothing accounts for become `stated:` entries of the manifest, each with its source."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from publisher.card.numbers import stated_value
from publisher.card.trace import Rendered, Span, unaccounted
from publisher.evidence.stated import stated_id
from publisher.manifest.compose import add_stated
from publisher.manifest.lock import write_whole
from publisher.pipeline.locked_cards import rendered_from_lock
from publisher.pipeline.opened import Release
from publisher.records.artifacts import Kind


@dataclass(frozen=True)
class Bare:
    """A number without evidence: as it is written, in which line of which file, and what the line says.

    `path` is relative to the release's folder; `group` is the first part of the id that it will be stated under.
    """

    written: str
    path: str
    line: int
    words: str
    group: str


@dataclass(frozen=True)
class Accepted:
    """A number that is stated now, and under which id."""

    bare: Bare
    id: str
    source: str


def bare_numbers(release: Release) -> tuple[Bare, ...]:
    """Every number of the cards that neither a fact nor a statement stands behind, each place once.

    Raises:
        HubpubError: HP-C01 where nothing was measured yet, so that there is no card.
    """
    found = {
        _bare(release, kind, card, span): None
        for kind, card in rendered_from_lock(release).items()
        for span in unaccounted(card)
    }
    return tuple(sorted(found, key=lambda bare: (bare.path, bare.line)))


def accept(release: Release, source_of: Callable[[Bare], str]) -> tuple[Accepted, ...]:
    """State every bare number that a source is given for; an empty source leaves it as it is.

    One entry accounts for its number wherever it stands, so it is asked for once.
    """
    taken = {fact.id for fact in (release.lock.facts if release.lock else ())} | set(release.manifest.stated)
    by_number: dict[str, Accepted | None] = {}
    accepted = []
    for bare in bare_numbers(release):
        if bare.written not in by_number:
            source = source_of(bare)
            entry = Accepted(bare, stated_id(bare.group, _around(bare), taken), source) if source else None
            by_number[bare.written] = entry
            taken |= {entry.id} if entry else set()
        if (first := by_number[bare.written]) is not None:
            accepted.append(Accepted(bare, first.id, first.source))
    _write(release, [entry for entry in by_number.values() if entry is not None])
    return tuple(accepted)


def _write(release: Release, entries: list[Accepted]) -> None:
    if not entries:
        return
    file = release.paths.manifest
    raw = file.read_bytes().decode("utf-8")
    text = add_stated(
        raw.replace("\r\n", "\n"),
        {one.id: {"value": stated_value(one.bare.written), "source": one.source} for one in entries},
    )
    write_whole(file, text.replace("\n", "\r\n") if "\r\n" in raw else text)


def _bare(release: Release, kind: Kind, card: Rendered, span: Span) -> Bare:
    rest = card.text.encode()[span.end : span.end + 2].decode("utf-8", "ignore")
    written = f"{span.text}%" if rest.lstrip().startswith("%") else span.text
    words = card.text.split("\n")[span.line - 1].strip()
    region = next((one for one in card.regions if one.start <= span.start < one.end), None)
    group = kind if kind in ("base", "dataset") else "model"
    if region is None:
        path = release.paths.card(kind).relative_to(release.paths.folder).as_posix()
        return Bare(written, path, span.line, words, group)
    text = (release.paths.folder / region.path).read_text(encoding="utf-8-sig")
    return Bare(written, region.path, _line_of(text, words, span.text), words, group)


def _line_of(text: str, words: str, number: str) -> int:
    """The line of a prose file that a card's line came from; a heading's level or a quoted fact may differ there."""
    lines = text.splitlines()
    same = (n for n, line in enumerate(lines, start=1) if line.strip().lstrip("# ") == words.lstrip("# "))
    holds = (n for n, line in enumerate(lines, start=1) if number in line)
    return next(same, next(holds, 1))


def _around(bare: Bare) -> str:
    """The words beside a number."""
    before, _, after = bare.words.partition(bare.written.removesuffix("%"))
    return " ".join([*re.findall(r"\w+", before)[-3:], *re.findall(r"\w+", after)[:1]])
