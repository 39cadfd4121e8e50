"""Faults of scenes that were made elsewhere: gathered, then told at once."""

from __future__ import annotations

import math

from publisher.errors import HubpubError
from publisher.records.facts import Json


def malformed(where: str, *faults: str) -> HubpubError:
    """The error for a scene that cannot be read as one; `faults` in words, at least one."""
    return HubpubError(
        "HP-D03",
        f"{where} is malformed: {'; '.join(faults)}",
        hint="mend or leave out this scene, then build the dataset again",
        where=where,
        faults=list(faults),
    )


def is_length(value: Json) -> bool:
    """Whether a value of a JSON file is a number that pixels can be counted by."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
