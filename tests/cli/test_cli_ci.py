"""hubpub ci: what it writes, that it writes over nothing, and what the workflow is held to."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cli_runs import Project
from ruamel.yaml import YAML

from publisher.manifest.lock import Lock, LockedStage, write_lock
from publisher.manifest.project import Project as OpenProject
from publisher.pipeline.ci import compose
from publisher.pipeline.workflow import workflow_of

ROOT = Path(__file__).resolve().parents[2]
FILE = Path(".github", "workflows", "hubpub.yml")
ZIZMOR, SHELLCHECK = (Path(sys.executable).with_name(name) for name in ("zizmor", "shellcheck"))
ALLOWED = {"actions/checkout", "actions/setup-python"}


@pytest.fixture
def repository(project: Project) -> Project:
    """The project, in git."""
    subprocess.run(["git", "init", "--quiet", str(project.root)], check=True)
    return project


def _written(root: Path) -> dict[str, Any]:
    return YAML(typ="safe", pure=True).load((root / FILE).read_text())  # type: ignore[no-any-return]


def _steps(workflow: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for job in workflow["jobs"].values():
        yield from job["steps"]


def test_it_is_written_once_and_left_alone_after_that(repository: Project) -> None:
    """A second run of the same changes no byte and no time."""
    first = repository("ci", "init")
    file = repository.root / FILE
    text, time = file.read_text(), file.stat().st_mtime_ns
    second = repository("ci", "init")

    assert (0, f"wrote {FILE}\n") == (first.code, first.out), first.err
    assert (0, f"unchanged: {FILE}\n") == (second.code, second.out)
    assert (text, time) == (file.read_text(), file.stat().st_mtime_ns)
    assert "hubpub release NAME --reserve" in first.err
    assert "git tag tiny-v1.0.0" in first.err


def test_a_workflow_that_somebody_edited_is_not_written_over_unless_that_is_said(repository: Project) -> None:
    """They may have added a job of their own."""
    repository("ci", "init")
    file = repository.root / FILE
    edited = file.read_text() + "# ours\n"
    file.write_text(edited)
    refused = repository("ci", "init")
    kept = file.read_text()
    forced = repository("ci", "init", "--yes")

    assert (2, ["HP-M09"], edited) == (refused.code, refused.codes, kept)
    assert (0, f"wrote over {FILE}\n") == (forced.code, forced.out)
    assert "# ours" not in file.read_text()


def test_the_document_says_what_was_done(repository: Project) -> None:
    """For scripts that set up many repositories."""
    said = repository("ci", "init", "--format", "json", "--environment", "hub", "--proof", "static")

    assert {
        "schema": "hubpub/ci/1",
        "provider": "github",
        "file": FILE.as_posix(),
        "root": str(repository.root),
        "state": "written",
        "environment": "hub",
        "proof": "static",
        "releases": ["tiny"],
    } == said.document
    assert "hub" == _written(repository.root)["jobs"]["release"]["environment"]


@pytest.mark.parametrize(
    "wrong",
    [("--provider", "gitlab"), ("--proof", "some"), ("--environment", "a b"), ("--environment", "x\nrun: y")],
)
def test_what_it_does_not_know_is_one_error(repository: Project, wrong: tuple[str, str]) -> None:
    """Nothing is written then; least of all words that would be YAML of their own."""
    ran = repository("ci", "init", *wrong)

    assert (2, ["HP-M09"]) == (ran.code, ran.codes)
    assert not (repository.root / FILE).exists()


def test_outside_of_a_project_it_says_so(tmp_path: Path) -> None:
    """A workflow without a release would release nothing for ever."""
    assert ["HP-M03"] == Project(tmp_path)("ci", "init").codes


def test_a_project_in_a_folder_of_the_repository(tmp_path: Path) -> None:
    """GitHub looks at the repository's root only; the blocks run where the project is."""
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    (tmp_path / "my models" / "model_cards").mkdir(parents=True)
    ran = Project(tmp_path / "my models")("ci", "init")

    assert 0 == ran.code, ran.err
    assert "my models" == _written(tmp_path)["defaults"]["run"]["working-directory"]
    assert "hubpub.yml" == workflow_of(tmp_path / "my models").file
    assert ["."] == [s["working-directory"] for s in _steps(_written(tmp_path)) if "working-directory" in s]


def test_our_own_workflow_is_what_is_written() -> None:
    """This repository releases its demo model as it tells others to."""
    workflow = compose(OpenProject(ROOT), environment="hugging-face", proof="run")

    assert ROOT / FILE == workflow.file
    assert "same" == workflow.state, "hubpub ci init --yes"


def test_reserving_knows_the_workflow_and_its_environment(repository: Project) -> None:
    """What it prints is typed into the Hub's form, word for word."""
    repository("ci", "init", "--environment", "hub")
    git = ["git", "-C", str(repository.root), "remote", "add", "origin", "git@github.com:acme/training.git"]
    subprocess.run(git, check=True)

    assert {"repository": "acme/training", "workflow": "hubpub.yml", "environment": "hub"} == (
        workflow_of(repository.root).claims
    )


def test_a_project_s_own_template_takes_the_built_in_one_s_place(repository: Project) -> None:
    """As every template; a fault of it is told with its line, and nothing is written."""
    repository("templates", "eject", "ci/github.yml.j2")
    own = repository.root / "templates" / "ci" / "github.yml.j2"
    own.write_text("# ours, for [[ environment ]]\n")
    good = repository("ci", "init")
    text = (repository.root / FILE).read_text()
    own.write_text("# [[ environment\n")
    broken = repository("ci", "init", "--yes")
    own.write_text("# [[ nothing ]]\n")
    unknown = repository("ci", "init", "--yes")

    assert (0, "# ours, for hugging-face\n") == (good.code, text)
    assert [["HP-C02"]] * 2 == [broken.codes, unknown.codes]
    assert "github.yml.j2:1" in broken.err
    assert text == (repository.root / FILE).read_text()


def test_a_pull_request_never_meets_what_may_write(repository: Project) -> None:
    """The token that publishes is for the tag's job, in its environment; whoever may comment runs no code of the change."""
    repository("ci", "init")
    workflow = _written(repository.root)
    jobs = workflow["jobs"]

    assert {"pull_request": None, "push": {"tags": ["v[0-9]*", "*-v[0-9]*"]}} == workflow["on"]
    assert {} == workflow["permissions"]
    assert {
        "review": {"contents": "read"},
        "comment": {"pull-requests": "write"},
        "release": {"contents": "read", "id-token": "write"},
    } == {name: job["permissions"] for name, job in jobs.items()}
    assert {"release": "hugging-face"} == {
        k: job["environment"] for k, job in jobs.items() if "environment" in job
    }
    assert all("concurrency" in job for job in jobs.values())
    assert not jobs["release"]["concurrency"]["cancel-in-progress"], (
        "a release is not cut off by the next one"
    )
    assert not [step for step in jobs["comment"]["steps"] if "uses" in step]


def test_actions_are_pinned_by_commit_and_hand_nothing_over(repository: Project) -> None:
    """A tag of an action can be moved; a cache or an artifact can be written by a pull request's job."""
    repository("ci", "init")
    used = [step for step in _steps(_written(repository.root)) if "uses" in step]

    assert used
    assert [] == [step for step in used if not re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", step["uses"])]
    assert ALLOWED == {step["uses"].split("@")[0] for step in used}
    assert [] == [step for step in used if "cache" in step.get("with", {})]
    assert {False} == {s["with"]["persist-credentials"] for s in used if "checkout" in s["uses"]}


def test_no_block_has_an_expression_in_it(repository: Project) -> None:
    """What stands there would be run: a branch can be called `$(curl …)`. Values come by the environment."""
    repository("ci", "init")
    blocks = [step["run"] for step in _steps(_written(repository.root)) if "run" in step]

    assert blocks
    assert [] == [block for block in blocks if "${{" in block]


@pytest.mark.skipif(not ZIZMOR.is_file(), reason="zizmor is not installed")
def test_zizmor_finds_nothing(repository: Project) -> None:
    """Not even with the eyes of an auditor."""
    repository("ci", "init")
    done = subprocess.run(
        [ZIZMOR, "--offline", "--no-progress", "--persona", "auditor",
         "--format", "json", str(FILE)],
        cwd=repository.root, capture_output=True, text=True, timeout=60,
    )  # fmt: skip

    assert (0, []) == (done.returncode, json.loads(done.stdout)), done.stderr


@pytest.mark.skipif(not SHELLCHECK.is_file(), reason="shellcheck is not installed")
def test_shellcheck_finds_nothing_in_any_block(repository: Project) -> None:
    """Not even in style: an unquoted variable is a tag or a branch that somebody chose."""
    repository("ci", "init")
    workflow = _written(repository.root)
    shell = workflow["defaults"]["run"]["shell"]
    found = {}
    for step in _steps(workflow):
        if "run" in step and step.get("shell", shell) == "bash":
            done = subprocess.run(
                [SHELLCHECK, "--shell", "bash", "--exclude", "SC2016", "-"],  # `…` in a summary is Markdown
                input=f"set -eo pipefail\n{step['run']}",
                capture_output=True,
                text=True,
            )
            found[step["name"]] = done.stdout

    assert "Release" in found
    assert [] == [text for text in found.values() if text]


@pytest.mark.skipif(shutil.which("actionlint") is None, reason="actionlint is not on the path")
def test_actionlint_finds_nothing(repository: Project) -> None:
    """The schema, the expressions, and shellcheck's rules where that is installed."""
    repository("ci", "init")
    done = subprocess.run(["actionlint", str(FILE)], cwd=repository.root, capture_output=True, text=True)

    assert (0, "") == (done.returncode, done.stdout)


def _lock(project: Project, name: str, **packages: str) -> None:
    stages = {"resolve": LockedStage("k", 1, packages)}
    write_lock(project.root / "model_cards" / name / "release.lock.json", Lock(name=name, stages=stages))


def test_the_packages_are_those_of_the_locks_as_pip_reads_them(project: Project) -> None:
    """With another torch every stage would run anew. A build for CPUs is on PyTorch's own index alone."""
    none = project("ci", "packages")
    _lock(project, "tiny", torch="2.9.1+cpu", peft="0.18.0")
    some = project("ci", "packages", "tiny")

    assert (0, "") == (none.code, none.out)
    assert (
        "--extra-index-url https://download.pytorch.org/whl/cpu\npeft==0.18.0\ntorch==2.9.1+cpu\n" == some.out
    )
    assert {"peft": "0.18.0", "torch": "2.9.1+cpu"} == project("ci", "packages", "--format", "json").document[
        "packages"
    ]


def test_releases_that_were_made_with_other_packages_are_released_one_by_one(project: Project) -> None:
    """No machine has two of one package."""
    shutil.copytree(project.root / "model_cards" / "tiny", project.root / "model_cards" / "zwei")
    _lock(project, "tiny", torch="2.9.1")
    _lock(project, "zwei", torch="2.8.0")
    both, one = project("ci", "packages"), project("ci", "packages", "zwei")

    assert (2, ["HP-M09"]) == (both.code, both.codes)
    assert "tiny was made with torch 2.9.1, zwei with 2.8.0" in both.err
    assert "torch==2.8.0\n" == one.out
    assert ["HP-M02"] == project("ci", "packages", "drei").codes


def test_help_has_it_among_what_is_for_the_machine(project: Project) -> None:
    """Where whoever sets up a repository looks."""
    help_ = project("--help", NO_COLOR="1", COLUMNS="120").out
    own = project("ci", "init", "--help", NO_COLOR="1", COLUMNS="120").out

    assert " ci " in help_.split("Machine")[1]
    assert "releases on a tag" in own
