"""Names of the model classes of transformers, as data."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def names() -> frozenset[str]:
    """Every class that `architectures` of a config.json may name without code of its own."""
    return frozenset(" ".join(_data()["names"]).split())


def version() -> str:
    """The release of transformers that the list was made from."""
    return str(_data()["version"])


def _data() -> Any:
    return json.loads(files("publisher.checks.known").joinpath("architectures.json").read_text("utf-8"))
