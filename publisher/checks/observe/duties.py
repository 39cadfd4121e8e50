"""What a base model's licence asks of those who pass it on, as data; and the licence texts that lie in a repo.

Not legal advice: only what a machine can see is here, a string, a file, an id. `licences.json` says its sources.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from publisher.checks.observe.files import Files, RepoKind
from publisher.checks.observe.readme import Metadata
from publisher.checks.observe.target import Absent, RepoView
from publisher.records.findings import Severity

_TEXT_NAMES = re.compile(
    r"(?:licen[cs]e|copying|notice|use[_-]policy|terms|gemma)[\w.-]{0,60}|[\w.-]{1,60}[_-](?:licen[cs]e|terms)(?:\.\w{2,4})?",
    re.IGNORECASE,
)
_NOTICE_NAMES = re.compile(r"notice[\w.-]{0,20}", re.IGNORECASE)
_MAX_BYTES = 1024 * 1024
_MOST_FILES = 20


@dataclass(frozen=True)
class Family:
    """A licence and the bases that come under it. Empty texts: the licence asks for no such thing."""

    key: str
    title: str
    ids: tuple[str, ...]  # what `license` may say
    base: re.Pattern[str]  # how the base's name begins, without its owner
    names: str = ""  # a pattern for license_name where `ids` is `other`
    notice: str = ""
    copies: bool = (
        False  # the notice goes with copies of the base; of what is made from it the licence does not say so
    )
    phrases: tuple[str, ...] = ()
    prefix: str = ""
    copy: bool = False
    modified: bool = False
    nc: bool = False
    restricted: bool = False  # its restrictions must be passed on
    link: str = ""


@dataclass(frozen=True)
class Inherited:
    """A base that a card names, with the licence that it comes under.

    Attributes:
        sure: the base lies with its maker or with one who mirrors him; else only its name says so.
    """

    base: str
    line: int
    column: int
    family: Family
    sure: bool


@dataclass(frozen=True)
class LicenceTexts:
    """The repo's files that hold licences, terms or notices, by path."""

    texts: dict[str, str]

    @classmethod
    def observe(cls, view: RepoView) -> LicenceTexts | Absent:
        """Read them; what is large is no licence."""
        found = view.observe(Files)
        if isinstance(found, Absent):
            return found
        texts: dict[str, str] = {}
        for entry in found:
            if len(texts) < _MOST_FILES and entry.readable and _TEXT_NAMES.fullmatch(entry.path):
                try:
                    texts[entry.path] = view.source.read(entry.path, limit=_MAX_BYTES).decode(
                        "utf-8", "replace"
                    )
                except OSError:  # reported by the rule on unreadable files
                    continue
        return cls(texts)

    @property
    def notices(self) -> dict[str, str]:
        """The files that are called NOTICE."""
        return {path: text for path, text in self.texts.items() if _NOTICE_NAMES.fullmatch(path)}


def inherited(card: Metadata) -> tuple[Inherited, ...]:
    """The licences that a card's bases bring with them, those that are known here."""
    found = []
    for value in card.texts("base_model"):
        owner, slash, name = value.data.casefold().rpartition("/")
        family = next((family for family in _families() if family.base.match(name)), None) if slash else None
        if family is not None:
            sure = owner in _data()["owners"]
            found.append(Inherited(value.data, value.line, value.column, family, sure))
    return tuple(found)


def is_free(licence: str) -> bool:
    """Whether a licence id allows every use: what a restricted base cannot be passed on under."""
    return licence in _free()


def allows_commerce(licence: str) -> bool:
    """Whether a licence id allows commercial use, with restrictions or without; `other` and what is unknown do not say."""
    return is_free(licence) or any(
        licence in each.ids and not each.nc for each in _families() if "other" not in each.ids
    )


def terms_of_data(name: str) -> str | None:
    """The licence of a data set that allows no commercial use, by its id; None for all others.

    Old cards of data sets name their sources as `extended|name`, and without an owner.
    """
    terms: dict[str, str] = _data()["data"]["terms"]
    return terms.get(name.casefold().removeprefix("extended|"))


def licences_in(text: str) -> frozenset[str]:
    """The ids of the licences whose texts these are."""
    head = text[:20_000].casefold()
    found = {licence for licence, pattern in _texts() if pattern.search(head)}
    return frozenset(found)


def ids_with_texts() -> frozenset[str]:
    """The ids whose texts are told apart here."""
    return frozenset(licence for licence, _ in _texts())


def says(text: str, wanted: str) -> bool:
    """Whether a text holds a sentence, whatever its line breaks, letter case, quotes and sign of copyright."""
    return _plain(wanted) in _plain(text)


def strictness(severity: Severity, kind: RepoKind) -> Severity:
    """How hard a missing duty weighs: an adapter holds none of the base's weights, a card may not be the repo's."""
    return severity if kind is RepoKind.MODEL or severity is not Severity.ERROR else Severity.WARNING


def _plain(text: str) -> str:
    text = (
        text.casefold()
        .replace("©", "(c)")
        .replace("“", '"')
        .replace("”", '"')
        .replace('"', "")
        .replace("*", "")
    )
    return " ".join(text.split()).replace("(c) ", "").rstrip(". ")


@cache
def _data() -> dict[str, Any]:
    data: dict[str, Any] = json.loads(
        files("publisher.checks.known").joinpath("licences.json").read_text("utf-8")
    )
    return data


@cache
def _families() -> tuple[Family, ...]:
    def family(row: dict[str, Any]) -> Family:
        known = {key: tuple(value) if isinstance(value, list) else value for key, value in row.items()}
        known.pop("text", None)
        return Family(**known | {"base": re.compile(row["base"])})

    return tuple(family(row) for row in _data()["families"])


@cache
def _free() -> frozenset[str]:
    return frozenset(_data()["free"])


@cache
def _texts() -> tuple[tuple[str, re.Pattern[str]], ...]:
    rows = [
        (licence, row["text"])
        for row in _data()["families"]
        for licence in row["ids"]
        if "text" in row and licence != "other"
    ]
    return tuple((licence, re.compile(text)) for licence, text in [*rows, *_data()["texts"].items()])
