"""Method names of well-known libraries, as data."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files


@cache
def model_methods() -> frozenset[str]:
    """Every public method that some model class of transformers, PEFT or torch has."""
    data = json.loads(files("publisher.checks.known").joinpath("api.json").read_text("utf-8"))
    return frozenset(" ".join(data["methods"]).split())
