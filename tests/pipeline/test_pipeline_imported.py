"""Records of a training made elsewhere: what the key sees of them, and what preflight refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from publisher.errors import HubpubError
from publisher.evidence.hashes import HashCache
from publisher.manifest.load import load_manifest
from publisher.manifest.project import Project
from publisher.manifest.schema import Manifest
from publisher.pipeline.inputs import run_of
from publisher.pipeline.levels import Levels
from publisher.pipeline.stages import STAGES
from publisher.pipeline.steps.preflight import needed, unread_run

BASE: dict[str, Any] = {
    "manifest": 1,
    "owner": "acme",
    "base": "acme/base",
    "adapter": "inputs/adapter",
    "artifacts": ["adapter"],
}
ARGUMENTS = {"per_device_train_batch_size": 8, "learning_rate": 0.0002}


def _manifest(**more: Any) -> Manifest:
    return Manifest.model_validate({**BASE, **more}, strict=False)


def test_the_key_sees_names_and_bytes_of_the_files_that_may_tell(tmp_path: Path) -> None:
    """Weights beside them are hashed elsewhere."""
    hashes = HashCache(tmp_path / "hashes.json")
    run = tmp_path / "run"
    run.mkdir()
    (run / "args.json").write_text(json.dumps(ARGUMENTS))
    first = run_of(("run",), tmp_path, hashes)
    (run / "adapter_model.safetensors").write_bytes(b"weights")
    beside = run_of(("run",), tmp_path, hashes)
    (run / "args.json").write_text(json.dumps({**ARGUMENTS, "learning_rate": 0.1}))
    changed = run_of(("run",), tmp_path, hashes)
    (run / "args.json").rename(run / "other.json")
    renamed = run_of(("run",), tmp_path, hashes)

    assert first.digest == beside.digest
    assert 3 == len({first.digest, changed.digest, renamed.digest})
    assert run_of(("gone.json",), tmp_path, hashes).digest


def test_it_stands_behind_the_adapter_and_before_whatever_quotes_it() -> None:
    names = [stage.name for stage in STAGES]

    assert names.index("train") < names.index("imported") < names.index("gates") < names.index("card")


def test_a_manifest_without_it_has_no_such_stage() -> None:
    stage = next(stage for stage in STAGES if stage.name == "imported")

    assert "training made elsewhere" in str(stage.unwanted(_manifest(), {}))
    assert stage.unwanted(_manifest(training_run="inputs/run"), {}) is None


def test_one_place_is_a_short_form_of_a_list(tmp_path: Path) -> None:
    """As for everything else that is usually one."""
    assert ("inputs/run",) == _manifest(training_run="inputs/run").training_run
    assert ("a.json", "b.csv") == _manifest(training_run=["a.json", "b.csv"]).training_run


def test_it_needs_an_adapter_that_was_trained_elsewhere(tmp_path: Path) -> None:
    """Of a training of ours, everything is known already."""
    project = Project(tmp_path)
    manifest = project.release("demo").manifest
    manifest.parent.mkdir(parents=True)
    manifest.write_text("manifest: 1\nowner: acme\nbase: acme/b\nartifacts: [base]\ntraining_run: x.json\n")
    with pytest.raises(HubpubError) as caught:
        load_manifest(project, "demo")

    assert "HP-M01" == caught.value.code
    assert "training_run tells of a training made elsewhere: it needs `adapter:`" in caught.value.what


def test_what_cannot_be_read_is_known_in_the_first_second(tmp_path: Path) -> None:
    """Not after the base was fetched."""
    paths = Project(tmp_path).release("demo")
    [problem] = unread_run(paths, _manifest(training_run="gone.json"))

    assert ("HP-A08", "there is no gone.json") == (problem.code, problem.what)
    assert [] == list(unread_run(paths, _manifest()))


def test_what_is_imported_needs_not_be_stated(tmp_path: Path) -> None:
    """Two sources for one number: the file is one, the author's word is none."""
    paths = Project(tmp_path).release("demo")
    paths.folder.mkdir(parents=True)
    (paths.folder / "args.json").write_text(json.dumps(ARGUMENTS))
    stated = {
        "train.learning_rate": {"value": 0.1, "source": "me"},
        "train.hardware": {"value": "L4", "source": "me"},
    }
    [problem] = unread_run(paths, _manifest(training_run="args.json", stated=stated))

    assert "HP-A09" == problem.code
    assert "train.learning_rate is stated as 0.1" in problem.what
    assert "remove train.learning_rate from stated:" == problem.hint


def test_the_curve_of_an_imported_log_needs_matplotlib() -> None:
    """Missing packages are told before anything is made."""
    imported, bare = (
        _manifest(training_run=run, artifacts={"adapter": {"proof": "static"}}) for run in ("x", [])
    )

    assert ("matplotlib",) == needed(imported, Levels.of(imported, "static"))
    assert () == needed(bare, Levels.of(bare, "static"))
