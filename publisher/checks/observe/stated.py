"""The facts that a repo carries in `evidence/facts.json`, as far as they state something."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from publisher.checks.observe.jsons import FactsFile
from publisher.checks.observe.target import Absent, RepoView
from publisher.records.facts import CommandSource, FileSource, Json, Source, StatedSource

_ID_LINE = re.compile(r'^\s*"id": "([^"]{1,200})",?$', re.MULTILINE)


@dataclass(frozen=True)
class StatedFact:
    """One fact as the repo states it, and the line that its id stands in."""

    id: str
    value: Json
    source: Source | None
    line: int | None


@dataclass(frozen=True)
class StatedFacts:
    """All facts with a value, by id."""

    by_id: Mapping[str, StatedFact]

    @classmethod
    def observe(cls, view: RepoView) -> StatedFacts | Absent:
        """From the file; what has no value, because it could or must not be measured, states nothing."""
        file = view.observe(FactsFile)
        if isinstance(file, Absent):
            return file
        listed = file.data.get("facts")
        if not isinstance(listed, list):
            return Absent(f"{file.path} holds no list of facts")
        lines = _lines(file.text)
        found: dict[str, StatedFact] = {}
        for each in listed:
            if not (isinstance(each, dict) and isinstance(each.get("id"), str) and "value" in each):
                return Absent(f"{file.path} holds something that is no fact")
            if each.get("status") == "known":
                name = each["id"]
                found[name] = StatedFact(name, each["value"], _source(each.get("source")), lines.get(name))
        return cls(found)

    def value(self, fact_id: str) -> Json:
        """What is stated, or None."""
        fact = self.by_id.get(fact_id)
        return fact.value if fact is not None else None


def _lines(text: str) -> dict[str, int]:
    found: dict[str, int] = {}
    line, position = 1, 0
    for match in _ID_LINE.finditer(text):
        line += text.count("\n", position, match.start(1))
        position = match.start(1)
        found.setdefault(match[1], line)
    return found


def _source(value: Json) -> Source | None:
    """Where a fact is said to come from; None where that is of no known form."""
    if not isinstance(value, dict) or not all(isinstance(each, str) for each in value.values()):
        return None
    if {"path", "sha256"} <= value.keys():
        return FileSource(value["path"], value["sha256"], value.get("pointer", ""))
    if {"command", "sha256"} <= value.keys():
        return CommandSource(value["command"], value["sha256"])
    return StatedSource(value["stated"]) if "stated" in value else None
