"""The runner, on stages that are small and real: they write files and return the house's own records."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from publisher.evidence.files import inventory
from publisher.evidence.hashes import HashCache, hash_cache
from publisher.evidence.record import record
from publisher.manifest.dataset import DatasetSettings
from publisher.manifest.evaluation import GateSettings
from publisher.manifest.project import ReleasePaths
from publisher.manifest.training import TrainSettings
from publisher.pipeline.memory import WorkspaceMemory
from publisher.pipeline.release import SERVICES, Release, settings_of
from publisher.pipeline.run import Results, Stage, run
from publisher.pipeline.services import Listener
from publisher.pipeline.stages import STAGES, stages_of_run
from publisher.records.artifacts import Artifact
from publisher.records.facts import Facts, Measurement
from publisher.records.plans import Plan
from publisher.records.receipts import Staged, Version
from publisher.records.runs import Dataset, Evaluation, Validation


def dataset(paths: ReleasePaths, settings: DatasetSettings) -> Dataset:
    """Three rows, whatever the settings say."""
    folder = paths.artifact("dataset")
    (folder / "data").mkdir(parents=True, exist_ok=True)
    (folder / "data" / "rows.txt").write_text("a\nb\nc\n")
    facts = record("dataset", (Measurement("dataset.rows", 3, "rows"),), paths.evidence)
    return Dataset(Artifact("dataset", str(folder), inventory(folder)), facts)


def evaluate(paths: ReleasePaths, dataset: Dataset, facts: Facts) -> Evaluation:
    """A number that is made from another stage's fact."""
    loss = facts.value("dataset.rows") / 2
    return Evaluation(record("evaluate", (Measurement("evaluate.base.loss", loss),), paths.evidence))


def validate(dataset: Dataset, evaluation: Evaluation | None) -> Validation:
    """Takes an evaluation where there is one."""
    return Validation(() if evaluation is None else evaluation.facts)


DATASET = Stage(
    dataset, why="first", remembered=True, headline=lambda made: f"{len(made.artifact.files)} files"
)
EVALUATE = Stage(evaluate, why="second", remembered=True)
VALIDATE = Stage(validate, why="third", remembered=True)


@dataclass
class Runs:
    """Runs stages on one release."""

    release: Release
    notes: Any
    new_notes: Callable[[], Any]

    def __call__(self, *stages: Stage, until: str | None = None, **changed: Any) -> Results:
        self.notes = self.new_notes()
        hashes = HashCache(self.release.paths.hashes)
        settings = settings_of(self.release, "local", hashes) | {
            type(value): value for value in changed.values()
        }
        return run(
            stages,
            self.release.manifest,
            services={ReleasePaths: self.release.paths, Listener: self.notes},
            settings=settings,
            memory=WorkspaceMemory(self.release.paths, None, _no_hub, may_train=False, hashes=hashes),
            listener=self.notes,
            until=until,
        )


def _no_hub() -> Any:
    raise AssertionError("the runner asks no Hub where the workspace knows")


@pytest.fixture
def runs(open_release: Callable[..., Release], notes: Any) -> Runs:
    return Runs(open_release(), notes, type(notes))


def test_a_stage_is_fed_by_type_and_facts_flow_to_those_who_ask(runs: Runs) -> None:
    """A stage's signature is its whole contract."""
    made = runs(DATASET, EVALUATE, VALIDATE).made

    assert 1.5 == made[Evaluation].facts[0].value
    assert made[Evaluation].facts == made[Validation].facts
    assert ["dataset", "evaluate", "validate"] == runs.notes.worked
    assert "1 files" == runs.notes.headlines["dataset"]


def test_a_stage_that_is_not_asked_for_says_why_and_those_after_it_get_none(runs: Runs) -> None:
    """A skip is no failure, and it is never silent."""
    unwanted = replace(EVALUATE, unwanted=lambda manifest, made: "the manifest asks for no evaluation")
    made = runs(DATASET, unwanted, VALIDATE).made

    assert {"evaluate": "the manifest asks for no evaluation"} == runs.notes.skips
    assert (None, ()) == (made[Evaluation], made[Validation].facts)


def test_a_second_run_takes_everything_from_memory(runs: Runs) -> None:
    """Same inputs, same result: why work?"""
    first = runs(DATASET, EVALUATE, VALIDATE).made
    second = runs(DATASET, EVALUATE, VALIDATE).made

    assert first == second
    assert [] == runs.notes.worked
    assert {"dataset": "unchanged", "evaluate": "unchanged", "validate": "unchanged"} == runs.notes.skips


def test_until_names_the_last_stage_that_runs(runs: Runs) -> None:
    """Single steps are a release that stops early."""
    runs(DATASET, EVALUATE, VALIDATE, until="evaluate")

    assert ["dataset", "evaluate"] == runs.notes.worked


def test_other_settings_run_the_stage_again_and_what_does_not_depend_on_them_stays(runs: Runs) -> None:
    """Only what changed is done again: the same rows came out, so nothing after them runs."""
    runs(DATASET, EVALUATE)
    runs(DATASET, EVALUATE, settings=DatasetSettings(folder="elsewhere"))

    assert ["dataset"] == runs.notes.worked
    assert {"evaluate": "unchanged"} == runs.notes.skips


def test_settings_that_a_stage_does_not_ask_for_do_not_run_it_again(runs: Runs) -> None:
    """A learning rate says nothing about rows."""
    runs(DATASET)
    runs(DATASET, train=TrainSettings(learning_rate=1.0))

    assert [] == runs.notes.worked


def test_a_stage_whose_version_was_raised_runs_again(runs: Runs) -> None:
    """A fixed bug in a stage must reach those who ran it before."""
    runs(DATASET, EVALUATE)
    runs(DATASET, replace(EVALUATE, version=2))

    assert ["evaluate"] == runs.notes.worked


def test_another_version_of_a_stages_package_runs_it_again(
    runs: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another torch may give other numbers."""
    needing = replace(EVALUATE, packages=("toy-torch",))
    _install(tmp_path / "old", "1.0", monkeypatch)
    runs(DATASET, needing)
    again = runs(DATASET, needing) and list(runs.notes.worked)
    _install(tmp_path / "new", "1.1", monkeypatch)
    runs(DATASET, needing)

    assert ([], ["evaluate"]) == (again, runs.notes.worked)


def test_a_file_that_was_changed_on_disk_has_its_stage_run_again(runs: Runs) -> None:
    """What lies there is not what was measured; one that was only touched is."""
    made = runs(DATASET, EVALUATE).made[Dataset]
    file = Path(made.artifact.folder) / "data" / "rows.txt"
    os.utime(file, ns=(1, 1))
    runs(DATASET, EVALUATE)

    assert [] == runs.notes.worked
    file.write_bytes(file.read_bytes()[::-1])
    runs(DATASET, EVALUATE)
    assert ["dataset"] == runs.notes.worked
    file.unlink()
    runs(DATASET, EVALUATE)
    assert ["dataset"] == runs.notes.worked


def test_other_bytes_of_an_input_run_what_depends_on_it(runs: Runs) -> None:
    """Digests of contents decide, not times."""

    def dataset_of_four(paths: ReleasePaths, settings: DatasetSettings) -> Dataset:
        made = dataset(paths, settings)
        folder = Path(made.artifact.folder)
        (folder / "data" / "rows.txt").write_text("a\nb\nc\nd\n")
        return Dataset(Artifact("dataset", str(folder), inventory(folder)), made.facts)

    dataset_of_four.__name__ = "dataset"
    runs(DATASET, EVALUATE)
    runs(replace(DATASET, work=dataset_of_four, version=2), EVALUATE)

    assert ["dataset", "evaluate"] == runs.notes.worked


def test_a_result_kept_by_another_version_of_hubpub_is_made_again(runs: Runs) -> None:
    """Old notes that cannot be read are no notes."""
    runs(DATASET)
    file = runs.release.paths.stages / "dataset.json"
    file.write_text(file.read_text().replace('"artifact"', '"artefact"'))
    runs(DATASET)

    assert ["dataset"] == runs.notes.worked


def test_the_table_of_contents_holds_together(tmp_path: Path, open_release: Callable[..., Release]) -> None:
    """Every input comes from a service, a setting or an earlier stage, and every line says why it stands there."""
    with hash_cache(tmp_path / "hashes.json") as hashes:
        known = SERVICES | settings_of(open_release(), "local", hashes).keys()
    for stage in STAGES:
        assert [] == [kind for kind in stage.needs.values() if kind not in known], stage.name
        assert stage.why
        known |= {stage.makes}

    assert len(STAGES) == len({stage.name for stage in STAGES}) == len({stage.makes for stage in STAGES})
    assert Version in known


@dataclass(frozen=True)
class PlanOf:
    """What is left of a plan where it is only asked whether anything changes."""

    changes_anything: bool


def test_where_promotion_is_a_step_of_its_own_it_is_skipped_and_its_receipt_too(runs: Runs) -> None:
    """With the policy as the reason, unless there is a better one; everything before it runs as ever."""
    held = [stage for stage in stages_of_run(proposing=True, promoting=False) if stage not in STAGES]

    def reasons(*, changes: bool) -> dict[str, str | None]:
        made = {Plan: PlanOf(changes_anything=changes), Staged: None}
        return {stage.name: stage.unwanted(runs.release.manifest, made) for stage in held}

    assert dict.fromkeys(("promote", "receipt"), "policy.promote: separate") == reasons(changes=True)
    assert dict.fromkeys(("promote", "receipt"), "nothing to do") == reasons(changes=False)


@pytest.mark.parametrize("policy", ["{promote: separate}", "{}"])
def test_the_policy_of_the_project_holds_for_every_release(runs: Runs, policy: str) -> None:
    """It stands in project.yaml alone."""
    (runs.release.project.cards / "project.yaml").write_text(f"manifest: 1\npolicy: {policy}\n")

    assert ("separate" in policy) == runs.release.promotes_separately


def _install(folder: Path, version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    info = folder / f"toy_torch-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: toy-torch\nVersion: {version}\n")
    monkeypatch.syspath_prepend(folder)


def test_settings_of_gates_are_plain_mappings() -> None:
    """A bound that changes must change the key; it is a mapping of pydantic sections."""
    from publisher.pipeline.run import key_of

    keys = {key_of(EVALUATE, {"bounds": {"x": GateSettings(max=bound)}}) for bound in (1.0, 2.0)}

    assert 2 == len(keys)


def test_proposing_is_a_stage_only_where_it_is_asked_for() -> None:
    """A line about pull requests in every release would be noise."""
    usual = stages_of_run(proposing=False, promoting=True)

    assert ["propose"] == [stage.name for stage in STAGES if stage not in usual]
    assert STAGES == stages_of_run(proposing=True, promoting=True)
