"""Where a section of a hand-written card belongs: into a prose file of its own, or to what hubpub writes itself."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
    """Where a section goes.

    Attributes:
        name: the prose section that its words go into; empty: nothing of it is kept.
        written_by_us: what hubpub writes in its place; empty where the section is the author's alone.
    """

    name: str
    written_by_us: str = ""


# In this order: `out-of-scope use` is no use, and `model architecture` no model description.
_PLACES: tuple[tuple[str, Place], ...] = (
    (r"out.of.scope|misuse|not (?:for|intended)|prohibited", Place("out_of_scope")),
    (r"citations?\b|bibtex|how to cite", Place("", "the citation, from card.authors and card.citation")),
    (r"licen[cs]e|licensing", Place("licence", "the licence, its duties and its text")),
    (r"limitations?\b|caveats|known issues|\bbias(?:es)?\b|\brisks?\b|recommendations", Place("limitations")),
    (r"ethic|responsible|safety|privacy", Place("ethics")),
    (r"acknowledge?ments?|credits|thanks", Place("acknowledgements")),
    (r"related|links|see also|resources|references|model sources|further reading", Place("related")),
    (
        r"fine.?tuning script|training script|commands?$|reproduc",
        Place("training_notes", "how it was trained, from the facts"),
    ),
    (
        r"evaluation|performance|results?\b|metrics|benchmarks?|scores",
        Place("evaluation_notes", "the evaluation, from what was measured"),
    ),
    (
        r"architecture|technical spec|parameters? count|model tree",
        Place("architecture_notes", "the architecture, from configuration and headers"),
    ),
    (
        r"hyper.?parameters|(?:training|lora|peft|quanti[sz]ation) (?:config|param|arg|setting)|framework versions",
        Place("training_notes", "the training, from the facts"),
    ),
    (
        r"fine.?tuning|^training$|training (?:details?|procedure|setup|data|regime)",
        Place("training_notes", "the training, from the facts"),
    ),
    (
        r"intended use|use.?cases?|direct use|downstream use|applications|^uses?$|intended for",
        Place("intended_use"),
    ),
    (
        r"usage|how to (?:use|get started|run)|quick ?start|getting started|inference|installation|examples?$",
        Place("usage", "usage snippets that were run before the upload"),
    ),
    (
        r"model details|model info|at a glance|specifications?|^details$",
        Place("summary", "names, base and sizes"),
    ),
    (
        r"changelog|version history|files|provided files",
        Place("", "changes and files, from release to release"),
    ),
    (r"description|summary|overview|introduction|^about|what is (?:it|this)", Place("summary")),
)
_COMPILED = tuple((re.compile(pattern), place) for pattern, place in _PLACES)


def place_of(title: str) -> Place | None:
    """Where a heading says that its section belongs; None for one that is only this card's."""
    words = re.sub(r"[^\w\s&,/.-]", " ", title).strip().lower()
    return next((place for pattern, place in _COMPILED if pattern.search(words)), None)


def section_name(title: str) -> str:
    """A section's name in `card.sections`, made of its heading; the card prints it as the heading again."""
    return re.sub(r"[^a-z0-9]+", "_", title.lower()).strip("_")[:60] or "notes"
