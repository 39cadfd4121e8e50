"""What a preview reads: a release's lock, prose and workspace, or a published repo."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from publisher.card.readme import parse
from publisher.card.trace import Rendered, trace
from publisher.card.view import CardInput
from publisher.checks.source import Entry, FolderSource, Source
from publisher.errors import HubpubError
from publisher.hub.port import Hub
from publisher.pipeline.foreign import Place
from publisher.pipeline.locked_cards import rendered_from_lock
from publisher.pipeline.measured_at import measured_at
from publisher.pipeline.opened import Release
from publisher.pipeline.remote_check import look_at
from publisher.preview.page import Card
from publisher.records.artifacts import README, Kind, RepoRef
from publisher.records.facts import Fact, Facts

FACTS_FILE = "evidence/facts.json"
LARGEST_README = 5_000_000  # bytes


class WithCard:
    """A repo's files, or none, a card that is not written anywhere yet, and the author's pictures in it."""

    near = True

    def __init__(self, card: bytes, under: Source | None, pictures: Mapping[str, Path]) -> None:
        self._card = card
        self._under = under
        self._pictures = pictures
        self.whole = under is not None
        self.near = under is None or under.near

    def entries(self) -> tuple[Entry, ...]:
        """Every file, sorted by path."""
        found = {entry.path: entry for entry in (self._under.entries() if self._under else ())}
        found |= {path: Entry(path, file.stat().st_size) for path, file in self._pictures.items()}
        found[README] = Entry(README, len(self._card))
        return tuple(sorted(found.values()))

    def read(self, path: str, *, start: int = 0, limit: int | None = None) -> bytes:
        """A file's bytes."""
        if path == README:
            return self._card[start:] if limit is None else self._card[start : start + limit]
        if path in self._pictures:
            with self._pictures[path].open("rb") as file:
                file.seek(start)
                return file.read(limit)
        if self._under is None:
            raise FileNotFoundError(path)
        return self._under.read(path, start=start, limit=limit)


def cards_of(release: Release) -> list[Card]:
    """A release's cards as its lock's facts and the prose on disk render them now. Needs no workspace and no torch.

    Raises:
        HubpubError: as `rendered_from_lock` says.
    """
    lock = release.lock
    facts: Mapping[str, Fact] = {f.id: f for f in (lock.facts if lock else ())} | dict(release.stated)
    times = measured_at(release.paths, lock)
    cards = []
    for kind, rendered in rendered_from_lock(release).items():
        folder = release.paths.artifact(kind)
        under = FolderSource(folder) if folder.is_dir() else None
        source = WithCard(rendered.text.encode(), under, _pictures(release, rendered))
        files = _locked_files(release, kind) | {entry.path: entry.size for entry in source.entries()}
        cards.append(Card(kind, release.identity.refs[kind], rendered, source, files, facts, times))
    return cards


def published(hub: Hub, place: Place) -> Card:
    """A card as a Hub has it. Its numbers are told by the values of the facts that lie beside it.

    Raises:
        HubpubError: HP-H04 there is no such repo, or no card in it; whatever the Hub refuses.
    """
    source = look_at(place, hub).source
    files = {entry.path: entry.size for entry in source.entries()}
    if README not in files:
        raise HubpubError(
            "HP-H04",
            f"{place.ref.repo_id} has no {README}",
            hint="name a repo with a card",
            where=f"hf://{place.ref.repo_id}",
        )
    text = source.read(README, limit=LARGEST_README).decode("utf-8-sig", "replace")
    facts = _facts_beside(source) if FACTS_FILE in files else Facts()
    kind: Kind = "dataset" if place.ref.repo_type == "dataset" else "merged"
    return Card(place.ref.repo_type, place.ref, _retraced(text, place.ref, kind, facts), source, files, facts)


def _retraced(text: str, ref: RepoRef, kind: Kind, facts: Facts) -> Rendered:
    owner, _, name = ref.repo_id.rpartition("/")
    licence = str(parse(text).front_matter.get("license") or "")
    # The version is in no file of the repo, so a text is given that no card holds.
    read = CardInput(name, "", kind, ref.repo_id, name, owner, licence, facts)
    return trace(text, (), read)


def _facts_beside(source: Source) -> Facts:
    """The repo's own facts; a file that is none of ours counts as absent."""
    with suppress(OSError, ValueError, ValidationError, KeyError, TypeError):
        document = json.loads(source.read(FACTS_FILE))
        return Facts(TypeAdapter(tuple[Fact, ...]).validate_python(document["facts"]))
    return Facts()


def _pictures(release: Release, rendered: Rendered) -> dict[str, Path]:
    """The pictures in the prose of a card, by repo path: where the author keeps them now, not as they were copied."""
    shown = {region.section for region in rendered.regions}
    pictures = [picture for prose in release.words if prose.section in shown for picture in prose.pictures]
    return {picture.path: release.paths.folder / picture.path for picture in pictures}


def _locked_files(release: Release, kind: Kind) -> dict[str, int]:
    artifact = release.lock.artifacts.get(kind) if release.lock else None
    return {file.path: file.size for file in (*artifact.files, *artifact.card)} if artifact else {}
