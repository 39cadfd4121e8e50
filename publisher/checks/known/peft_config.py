"""Kinds of PEFT configurations with their keys, as data."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def kinds() -> dict[str, frozenset[str]]:
    """The keys that adapter_config.json may hold, by `peft_type`."""
    data = _data()
    common = " ".join(data["common"]).split()
    return {kind: frozenset((*common, *" ".join(own).split())) for kind, own in data["kinds"].items()}


def version() -> str:
    """The release of PEFT that the list was made from."""
    return str(_data()["version"])


def _data() -> Any:
    return json.loads(files("publisher.checks.known").joinpath("peft_config.json").read_text("utf-8"))
