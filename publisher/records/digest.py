"""Digests of values: canonical JSON, then sha256."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from typing import Any


def canonical_json(value: Any, *, indent: int | None = None) -> str:
    """Write JSON that depends on nothing but the value: sorted keys, no spare spaces, UTF-8, no NaN.

    Dataclasses are written as mappings of their fields.

    Raises:
        ValueError: a float is NaN or infinite.
    """
    separators = (",", ":") if indent is None else (",", ": ")
    return json.dumps(
        value,
        sort_keys=True,
        ensure_ascii=False,
        allow_nan=False,
        indent=indent,
        separators=separators,
        default=_plain,
    )


def digest(value: Any) -> str:
    """Sha256, in hex, of the canonical JSON of a value."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    raise TypeError(f"{type(value).__name__} has no canonical JSON")
