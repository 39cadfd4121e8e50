"""`hubpub dataset build` with a language model in it, as a user runs it."""

from __future__ import annotations

import json

import pytest
from cli_runs import Project
from scripted_endpoint import ScriptedEndpoint, scripted_endpoint

pytestmark = pytest.mark.models

pytest.importorskip("openai")
pytest.importorskip("pyarrow")

KEY = "sk-aSecretThatNobodyMaySee"
MANIFEST = """
manifest: 1
version: 1.0.0
owner: acme
base: {{folder: inputs/base}}
dataset:
  build:
    from: scenes
    scenes: 2
    filter: {{unique: false}}
    enhance:
      model: scripted
      base_url: {url}
      price: {{input_per_million: 2, output_per_million: 8}}
artifacts: [base, dataset]
card: {{limitations: limitations.md}}
"""


@pytest.fixture(scope="module")
def endpoint():
    with scripted_endpoint() as scripted:
        yield scripted


def test_a_build_tells_its_price_wants_a_key_asks_once_an_item_and_says_who_wrote_what(
    project: Project, endpoint: ScriptedEndpoint
) -> None:
    """What a user does, in the order in which it comes."""
    import pyarrow.parquet as pq

    (project.root / "model_cards" / "tiny" / "release.yaml").write_text(MANIFEST.format(url=endpoint.url))
    build = ("dataset", "build", "tiny")

    told = project(*build, "--dry-run", "--format", "json").document["cost"]
    assert (0, told["targets"], []) == (told["cached"], told["requests"], endpoint.asked)
    assert 0 < told["cost"] < told["cost_at_most"]

    assert (3, ["HP-L01"]) == ((refused := project(*build)).code, refused.codes)

    done = project(*build, OPENAI_API_KEY=KEY)
    assert 0 == done.code, done.err
    folder = project.root / ".hubpub" / "tiny"
    rows = [
        row
        for file in (folder / "artifacts" / "dataset" / "data").glob("*.parquet")
        for row in pq.read_table(file, columns=["expression_type", "provenance"]).to_pylist()
    ]
    by_type = {row["expression_type"]: row["provenance"] for row in rows}
    assert {"original", "enhanced", "unique"} == by_type.keys()
    assert ("scripted", "hubpub-1") == (by_type["unique"]["model"], by_type["unique"]["prompt_version"])
    assert told["requests"] == len(endpoint.asked)
    measured = json.loads((folder / "evidence" / "dataset.json").read_text())["measured"]
    facts = {fact_id: one["value"] for fact_id, one in measured.items()}
    written = sum(row["expression_type"] != "original" for row in rows)
    assert (["scripted"], written) == (facts["dataset.model_names"], facts["dataset.model_rows"])
    assert told["targets"] == facts["dataset.enhance.enhanced"]
    assert not any(KEY.encode() in file.read_bytes() for file in folder.rglob("*") if file.is_file())
