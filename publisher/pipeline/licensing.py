"""What the base's licence asks for, and the licence files that lie beside a card."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from publisher.card.templates import Templates
from publisher.card.view import Duties
from publisher.manifest.schema import Manifest
from publisher.records.artifacts import BASE_LICENCE, LICENCE, NOTICE, Kind
from publisher.records.facts import Facts

INDEX = "licences/index.json"  # which texts lie beside the templates, where each is from, and where others are on the web
HOLDER = "licence.holder"  # stated: year and holder, for licences that name them inside their text
CARRIED = "base.licence_files"  # the base's own files, as they are
LONGEST = 100_000  # bytes; a licence that is longer is none

# The base's files that become LICENSE and NOTICE of whatever is made from it.
NAMES = {
    LICENCE: re.compile(r"(?:LICEN[CS]E|COPYING)(?:\.(?:txt|md|rst))?", re.IGNORECASE),
    NOTICE: re.compile(r"NOTICES?(?:\.(?:txt|md))?", re.IGNORECASE),
}

PLAIN = ("apache-2.0", "mit")  # what they ask for is what every card and LICENSE file does


def licence_of(kind: Kind, manifest: Manifest, facts: Facts) -> str | None:
    """The licence that an artifact is published under: its own, the manifest's, else the base's."""
    made = manifest.artifacts.get(kind)
    return (made.licence if made else None) or manifest.licence or facts.value("base.licence")


def named_licence_of(kind: Kind, manifest: Manifest, facts: Facts) -> tuple[str | None, str | None]:
    """Name and address of that licence where it is `other`: said by whoever named the licence itself."""
    if manifest.artifacts[kind].licence:
        return None, None
    if manifest.licence:
        return manifest.licence_name, manifest.licence_link
    return facts.value("base.licence_name"), facts.value("base.licence_link")


def duties_of(kind: Kind, manifest: Manifest, facts: Facts) -> Duties | None:
    """What the licence of the base asks of those who pass its weights on; None for one that asks for nothing more.

    It is told by the base's name where its maker is known by it, else by the licence that the release names.
    """
    licence = licence_of(kind, manifest, facts)
    if kind == "dataset" or licence in PLAIN:
        return None
    # The rules of `check` read the same file. Their code is not needed for it, and takes its time to import.
    data: dict[str, Any] = json.loads(
        files("publisher.checks.known").joinpath("licences.json").read_text("utf-8")
    )
    named_base = manifest.base.model if manifest.base else None
    base = str(facts.value("base.origin") or named_base or "").casefold().rpartition("/")[2]
    named = [row for row in data["families"] if base and re.match(row["base"], base)]
    same_id = [row for row in data["families"] if licence in row["ids"] and licence != "other"]
    for row in [*named, *same_id]:
        phrases, restricted = tuple(row.get("phrases", ())), row.get("restricted", False)
        return Duties(row["title"], row.get("link", ""), row.get("notice", ""), phrases, restricted)
    return None


def licence_files(kind: Kind, manifest: Manifest, facts: Facts, templates: Templates) -> dict[str, str]:
    """The texts that lie beside a card, by their path.

    The base's own LICENSE and NOTICE go along byte for byte with everything that was made from it. Where the release
    is under another licence, or the base brought no file, LICENSE is the text that we have of the release's licence.
    """
    licence, duties = licence_of(kind, manifest, facts), duties_of(kind, manifest, facts)
    carried: Mapping[str, str] = {} if kind == "dataset" else facts.value(CARRIED, {})
    same = facts.value("base.licence", licence) == licence
    own = _text(licence, facts, templates)
    notices = [carried[NOTICE]] if NOTICE in carried else []
    if duties and duties.notice and not any(duties.notice in text for text in notices):
        notices.append(f"{duties.notice}\n")
    found = {
        LICENCE: carried.get(LICENCE, own) if same else own,
        BASE_LICENCE: None if same else carried.get(LICENCE),
        NOTICE: "\n".join(notices),
    }
    return {path: text for path, text in found.items() if text}


def licence_at(kind: Kind, manifest: Manifest, facts: Facts, templates: Templates) -> str | None:
    """Where on the web the text of an artifact's licence is, for a repo that does not hold it."""
    licence = licence_of(kind, manifest, facts)
    index = _index(templates)
    return next((row["link"] for row in [*index["texts"], *index["linked"]] if row["id"] == licence), None)


def carried_from(folder: Path) -> dict[str, str]:
    """LICENSE and NOTICE of a base's folder, as they are; what is no UTF-8 text cannot be carried, and is left out."""
    return {name: text for name, pattern in NAMES.items() for text in _first(folder, pattern)}


def is_licence_file(path: str) -> bool:
    """Whether a base's file is one of those that are carried."""
    return any(pattern.fullmatch(path) for pattern in NAMES.values())


def _first(folder: Path, pattern: re.Pattern[str]) -> Iterator[str]:
    for file in sorted(folder.iterdir(), key=lambda file: (len(file.name), file.name)):
        if pattern.fullmatch(file.name) and file.is_file() and file.stat().st_size <= LONGEST:
            try:
                yield file.read_bytes().decode("utf-8")
            except UnicodeDecodeError:
                continue
            return


def _text(licence: str | None, facts: Facts, templates: Templates) -> str | None:
    """The text of a licence, its holder filled in; None where it needs a holder that nobody stated, or is not here."""
    found = templates.find(f"licences/{licence}.txt") if licence else None
    if found is None:
        return None
    rows = _index(templates)["texts"]
    slot = next((row["holder"] for row in rows if row["id"] == licence and "holder" in row), None)
    if slot is None or slot not in found.text:
        return found.text
    holder = facts.value(HOLDER)
    return found.text.replace(slot, str(holder)) if holder else None


def _index(templates: Templates) -> dict[str, Any]:
    found = templates.find(INDEX)
    index: dict[str, Any] = json.loads(found.text) if found else {"texts": [], "linked": []}
    return index
