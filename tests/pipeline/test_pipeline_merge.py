"""The merge stage: which base it adds to, and which digests it need not compute."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from publisher.engine.worker import Limits
from publisher.evidence.files import inventory, sha256_of
from publisher.manifest.project import Project
from publisher.pipeline.services import Engine
from publisher.pipeline.steps.merge import Merging, merge
from publisher.records.artifacts import Artifact
from publisher.records.runs import Adapter, Base, Dataset

pytestmark = pytest.mark.models


@pytest.fixture
def merging(tmp_path, notes, tiny_base, tiny_adapter, tiny_data):
    """Runs the stage on the tiny model, as a release does."""
    folder = tmp_path / "data"
    shutil.copytree(tiny_data, folder / "data")
    (tmp_path / "model_cards" / "demo").mkdir(parents=True)
    paths = Project(tmp_path).release("demo")
    base = Base(Artifact("base", str(tiny_base), inventory(tiny_base)), ())
    adapter = Adapter(Artifact("adapter", str(tiny_adapter), inventory(tiny_adapter)), ())
    dataset = Dataset(Artifact("dataset", str(folder), ()), ())

    def run(how):
        return merge(
            paths, Engine(tmp_path / "scratch", notes, Limits()), Merging(how), base, adapter, dataset
        )

    return run


def test_best_measures_both_and_keeps_the_better(merging):
    """A QLoRA adapter may fit its 4-bit base better than the one it came from: held-out rows tell, nobody guesses."""
    merged = merging("best")
    facts = {fact.id: fact.value for fact in merged.facts}
    losses = {kind: facts[f"merged.{kind}_base.loss"] for kind in ("full", "nf4")}
    chosen = merging(facts["merged.merge_base"])

    assert losses["full"] != losses["nf4"]
    assert facts["merged.merge_base"] == min(losses, key=lambda kind: losses[kind])
    assert chosen.artifact.files == merged.artifact.files
    assert not list(Path(merged.artifact.folder).parent.glob("*.tmp"))


def test_every_digest_is_that_of_its_file(merging):
    """Digests are carried over from the base for shards that were copied whole, and for nothing else."""
    merged = merging("full")
    folder = Path(merged.artifact.folder)

    assert {file.path: sha256_of(folder / file.path) for file in merged.artifact.files} == {
        file.path: file.sha256 for file in merged.artifact.files
    }
