"""Which kinds of model the Auto classes of transformers load, in any of its versions, as data."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files

_CONFIGS = "CONFIG_MAPPING_NAMES"
# The first that loads a kind is named as the one to use.
_USUAL = (
    "AutoModelForImageTextToText",
    "AutoModelForCausalLM",
    "AutoModelForSeq2SeqLM",
    "AutoModelForSpeechSeq2Seq",
    "AutoModel",
)


@cache
def _kinds() -> dict[str, frozenset[str]]:
    data = json.loads(files("publisher.checks.known").joinpath("autos.json").read_text("utf-8"))
    return {name: frozenset(" ".join(lines).split()) for name, lines in data["kinds"].items()}


def loads(auto_class: str, kind: str) -> bool | None:
    """Whether an Auto class loads a kind of model (`model_type`); None where class or kind is not known."""
    kinds = _kinds().get(auto_class)
    if kinds is None or auto_class == _CONFIGS or kind not in _kinds()[_CONFIGS]:
        return None
    return kind in kinds


def class_for(kind: str) -> str:
    """The Auto class that a kind of model is usually loaded by; empty where none is known."""
    return next((name for name in _USUAL if loads(name, kind)), "")
