"""`hubpub dataset build` as a user runs it."""

from __future__ import annotations

import json

import pytest
from cli_runs import Project

pytestmark = pytest.mark.models

pytest.importorskip("pyarrow")

MANIFEST = """
manifest: 1
owner: acme
base: nobody/has-this
dataset: {build: {from: jsonl, file: rows.jsonl, filter: {min_words: 2}}}
artifacts: [dataset]
"""
ROWS = [{"prompt": f"{n}?", "completion": f"it is {n}"} for n in range(10)] + [
    {"prompt": "a?", "completion": "yes"},
    {"prompt": "1?", "completion": "it is 1"},
    {"prompt": "b?", "completion": "Processing error: timeout"},
]


@pytest.fixture
def rows(project: Project) -> Project:
    """A release that is a dataset, of a base that is on no Hub."""
    folder = project.root / "model_cards" / "tiny"
    (folder / "release.yaml").write_text(MANIFEST)
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    return project


def test_a_build_tells_what_was_dropped_and_why_and_needs_no_base(rows: Project) -> None:
    """The table adds up: thirteen lines were read, ten of them are rows."""
    told = rows("dataset", "build", "tiny")

    assert 0 == told.code, told.err
    assert [
        "made or read                     13",
        "  dropped: duplicate              1",
        "  dropped: error in band          1",
        "  dropped: too short              1",
        "train rows                        8",
        "validation rows                   2",
        "dropped nothing: seen in train",
        "tiny: the files are under .hubpub/tiny/artifacts/dataset/",
    ] == told.out.splitlines()


def test_a_dry_run_counts_the_same_and_writes_nothing(rows: Project) -> None:
    """For scripts, too."""
    told = rows("dataset", "build", "tiny", "--dry-run", "--format", "json").document

    assert not (rows.root / ".hubpub" / "tiny" / "artifacts").exists()
    assert ("hubpub/dataset/1", True, None) == tuple(told[key] for key in ("schema", "dry_run", "workspace"))
    done = rows("dataset", "build", "tiny", "--format", "json").document
    for key in ("rows", "made", "dropped", "cost"):
        assert done[key] == told[key], key
    assert {"train": 8, "validation": 2} == done["rows"]


def test_every_malformed_row_is_told_with_its_line(rows: Project) -> None:
    """All at once, each in the form that errors have."""
    file = rows.root / "model_cards" / "tiny" / "rows.jsonl"
    file.write_text('{"prompt": "a"}\n{"prompt": "a", "completion": ""}\n')

    refused = rows("dataset", "build", "tiny")

    assert (1, ["HP-D06", "HP-D06"]) == (refused.code, refused.codes)
    assert "where: rows.jsonl:1" in refused.err
    assert "where: rows.jsonl:2" in refused.err


def test_a_manifest_without_a_recipe_is_told_what_to_write(rows: Project) -> None:
    """The hint can be pasted."""
    manifest = rows.root / "model_cards" / "tiny" / "release.yaml"
    manifest.write_text(
        "manifest: 1\nowner: acme\nbase: {model: a/b, folder: inputs/base}\nartifacts: [base]\n"
    )

    refused = rows("dataset", "build", "tiny")

    assert (2, ["HP-M09"]) == (refused.code, refused.codes)
