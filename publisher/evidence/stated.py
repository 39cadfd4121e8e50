"""Facts that only their author can know."""

from __future__ import annotations

from collections.abc import Mapping

from publisher.manifest.schema import StatedSettings
from publisher.records.facts import Fact, StatedSource


def stated_facts(stated: Mapping[str, StatedSettings]) -> tuple[Fact, ...]:
    """The manifest's `stated:` entries as facts whose evidence is the author's word."""
    return tuple(
        Fact(fact_id, entry.value, entry.unit, "known", "stated", StatedSource(entry.source))
        for fact_id, entry in sorted(stated.items())
    )
