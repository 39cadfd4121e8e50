"""Facts that only their author can know."""

from __future__ import annotations

import re
from collections.abc import Container, Mapping

from publisher.manifest.schema import StatedSettings
from publisher.records.facts import Fact, StatedSource

FILLING = {"the", "a", "an", "of", "is", "on", "in", "this", "it"}
LONGEST = 5  # words of an id


def stated_id(group: str, words: str, taken: Container[str]) -> str:
    """An id for something that is stated, made of the first words of a text; numbered where it is taken."""
    bare = re.sub(r"['’]s\b", "", words.lower())
    found = [word for word in re.findall(r"[a-z0-9]*[a-z][a-z0-9]*", bare) if word not in FILLING]
    wanted = f"{group}.{'_'.join(found[:LONGEST]) or 'number'}"
    number = 1
    while (fact_id := wanted if number == 1 else f"{wanted}_{number}") in taken:
        number += 1
    return fact_id


def stated_facts(stated: Mapping[str, StatedSettings]) -> tuple[Fact, ...]:
    """The manifest's `stated:` entries as facts whose evidence is the author's word."""
    return tuple(
        Fact(fact_id, entry.value, entry.unit, "known", "stated", StatedSource(entry.source))
        for fact_id, entry in sorted(stated.items())
    )
