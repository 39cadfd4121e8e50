"""What the base's licence asks for, and the licence files that lie beside a card."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from typing import Any

from publisher.card.templates import Templates
from publisher.card.view import Duties
from publisher.manifest.schema import Manifest
from publisher.records.artifacts import Kind
from publisher.records.facts import Facts

PLAIN = ("apache-2.0", "mit")  # what they ask for is what every card and LICENSE file does


def licence_of(manifest: Manifest, facts: Facts) -> str | None:
    """The licence that the release is published under: the manifest's, else the base's own."""
    return manifest.licence or facts.value("base.licence")


def duties_of(kind: Kind, manifest: Manifest, facts: Facts) -> Duties | None:
    """What the licence of the base asks of those who pass its weights on; None for one that asks for nothing more.

    It is told by the base's name where its maker is known by it, else by the licence that the release names.
    """
    licence = licence_of(manifest, facts)
    if kind == "dataset" or licence in PLAIN:
        return None
    # The rules of `check` read the same file. Their code is not needed for it, and takes its time to import.
    data: dict[str, Any] = json.loads(
        files("publisher.checks.known").joinpath("licences.json").read_text("utf-8")
    )
    base = str(facts.value("base.origin") or manifest.base.model or "").casefold().rpartition("/")[2]
    named = [row for row in data["families"] if base and re.match(row["base"], base)]
    same_id = [row for row in data["families"] if licence in row["ids"] and licence != "other"]
    for row in [*named, *same_id]:
        phrases, restricted = tuple(row.get("phrases", ())), row.get("restricted", False)
        return Duties(row["title"], row.get("link", ""), row.get("notice", ""), phrases, restricted)
    return None


def licence_files(kind: Kind, manifest: Manifest, facts: Facts, templates: Templates) -> dict[str, str]:
    """LICENSE where we have the text, and NOTICE where the base's licence asks for one."""
    licence = licence_of(manifest, facts)
    found = templates.find(f"licences/{licence}.txt") if licence else None
    duties = duties_of(kind, manifest, facts)
    return {
        **({"LICENSE": found.text} if found else {}),
        **({"NOTICE": f"{duties.notice}\n"} if duties and duties.notice else {}),
    }
