"""Lists of names that rules go by are those of the installed libraries. UPDATE_GOLDEN=1 writes them anew."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import textwrap
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import pytest

from publisher.checks.known import architectures, peft_config

pytestmark = pytest.mark.models
KNOWN = Path(architectures.__file__).parent
MODEL_CLASS = re.compile(r"[A-Z]\w*(?:Model|LMHead|Backbone|Head)|[A-Z]\w*For[A-Z]\w*")


def names_of_transformers() -> set[str]:
    """Every class of the auto mappings, and every public class that is named as a model."""
    transformers = pytest.importorskip("transformers")
    from transformers.models.auto import modeling_auto

    names = {name for name in dir(transformers) if MODEL_CLASS.fullmatch(name)}
    for key, mapping in vars(modeling_auto).items():
        if key.endswith("_MAPPING_NAMES"):
            for value in mapping.values():
                names |= {value} if isinstance(value, str) else set(value)
    return {name for name in names if not name.endswith(("PreTrainedModel", "PretrainedModel"))}


def keys_of_peft() -> dict[str, set[str]]:
    """The fields of each kind of configuration."""
    pytest.importorskip("peft")
    from peft.mapping import PEFT_TYPE_TO_CONFIG_MAPPING

    return {
        getattr(kind, "value", kind): {field.name for field in dataclasses.fields(config)}
        for kind, config in PEFT_TYPE_TO_CONFIG_MAPPING.items()
    }


def in_lines(names: set[str]) -> list[str]:
    return textwrap.wrap(" ".join(sorted(names)), 100, break_long_words=False, break_on_hyphens=False)


def write(file: str, library: str, data: dict[str, object]) -> None:
    known = {"library": library, "version": version(library), "date": f"{datetime.now(UTC):%Y-%m-%d}"}
    (KNOWN / file).write_text(json.dumps({**known, **data}, indent=1) + "\n", "utf-8")


def test_the_architectures_are_those_of_the_installed_transformers() -> None:
    """A list that lags behind calls a new model unknown."""
    names = names_of_transformers()
    if os.environ.get("UPDATE_GOLDEN"):
        write("architectures.json", "transformers", {"names": in_lines(names)})
        architectures.names.cache_clear()

    assert names == architectures.names()
    assert version("transformers") == architectures.version()


def test_the_configuration_keys_are_those_of_the_installed_peft() -> None:
    """A list that lags behind calls a new option a misspelt one."""
    kinds = keys_of_peft()
    if os.environ.get("UPDATE_GOLDEN"):
        common = set.intersection(*kinds.values())
        own = {kind: in_lines(keys - common) for kind, keys in sorted(kinds.items())}
        write("peft_config.json", "peft", {"common": in_lines(common), "kinds": own})
        peft_config.kinds.cache_clear()

    assert kinds == peft_config.kinds()
    assert version("peft") == peft_config.version()
