"""An editor that completes a manifest by its JSON Schema marks what hubpub would refuse, and nothing that it takes."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from publisher.manifest.json_schema import json_schema
from publisher.manifest.schema import Manifest

RELEASES = sorted((Path(__file__).resolve().parents[2] / "model_cards").glob("*/release.yaml"))
LONG = {
    "manifest": 1,
    "owner": "acme",
    "base": {"model": "acme/base"},
    "adapter": "out",
    "artifacts": {"adapter": {}},
}
SHORT: list[dict[str, Any]] = [
    {"base": "acme/base@12fd25f"},
    {"base": {"folder": "base", "model": "acme/base"}},
    {"dataset": "acme/rows"},
    {"training_run": "out/run"},
    {"supersedes": "acme/old"},
    {"lm_eval": {"base": "results/base.json", "adapter": ["results/a.json", "results/b.json"]}},
    {"artifacts": ["adapter", "merged"]},
    {"artifacts": {"adapter": None, "merged": {"merge_base": "nf4"}}},
    {"card": {"authors": ["Anna", {"name": "Bert"}]}},
]
WRONG: list[dict[str, Any]] = [
    {"base": 3},
    {"artifacts": ["adaptor"]},
    {"artifacts": []},
    {"artifacts": {"adapter": "yes"}},
    {"lm_eval": "results"},
    {"visibilty": "public"},
    {"card": {"authors": [3]}},
]


@pytest.fixture(scope="module")
def editor() -> Draft202012Validator:
    """What an editor checks with."""
    Draft202012Validator.check_schema(json_schema())
    return Draft202012Validator(json_schema())


@pytest.mark.parametrize("file", RELEASES, ids=[file.parent.name for file in RELEASES])
def test_the_projects_own_manifests_are_not_marked(editor: Draft202012Validator, file: Path) -> None:
    manifest = YAML(typ="safe", pure=True).load(file.read_text(encoding="utf-8"))

    assert [] == [error.message for error in editor.iter_errors(manifest)]


@pytest.mark.parametrize("short", SHORT, ids=str)
def test_short_forms_are_not_marked(editor: Draft202012Validator, short: dict[str, Any]) -> None:
    """What the manifest's reader takes as well."""
    manifest = LONG | short
    Manifest.model_validate(copy.deepcopy(manifest))

    assert [] == [error.message for error in editor.iter_errors(manifest)]


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_what_the_reader_refuses_is_marked(editor: Draft202012Validator, wrong: dict[str, Any]) -> None:
    """Pydantic's own faults and the schema's are the same."""
    manifest = LONG | wrong
    with pytest.raises(ValueError, match=r"\d validation error"):
        Manifest.model_validate(copy.deepcopy(manifest))

    assert not editor.is_valid(manifest)


def test_base_or_source_is_enough_and_an_owner_may_stand_in_project_yaml(
    editor: Draft202012Validator,
) -> None:
    bare = {"manifest": 1, "artifacts": ["nf4"]}

    assert [True, True, False] == [
        editor.is_valid(bare | more) for more in ({"base": "acme/base"}, {"source": "acme/base"}, {})
    ]
