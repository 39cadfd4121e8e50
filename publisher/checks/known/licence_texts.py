"""The licence texts that hubpub brings with it: given out only as long as they are what their index says."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from typing import Any

from publisher.card.templates import Templates

_FOLDER = "licences"


@cache
def licence_text(licence: str) -> str | None:
    """The text of a licence, by its id; None where it is not here, names a holder, or is not what its index says."""
    row = next((row for row in _index()["texts"] if row["id"] == licence and "holder" not in row), None)
    found = Templates.of().find(f"{_FOLDER}/{licence}.txt") if row is not None else None
    if row is None or found is None or hashlib.sha256(found.text.encode()).hexdigest() != row["sha256"]:
        return None
    return found.text


def licence_page(licence: str) -> str | None:
    """Where the text of a licence is on the web; None where that is not known here."""
    rows = (*_index()["texts"], *_index()["linked"])
    return next((str(row["link"]) for row in rows if row["id"] == licence), None)


@cache
def _index() -> dict[str, Any]:
    found = Templates.of().find(f"{_FOLDER}/index.json")
    index: dict[str, Any] = json.loads(found.text) if found else {"texts": [], "linked": []}
    return index
