"""The workflow that `hubpub ci init` writes, executed block by block: a pull request, a tag, keyless, on the embedded Hub."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from ci_issuer import running_runner, trusted
from release_room import HUBPUB
from ruamel.yaml import YAML
from tiny_rooms import write_project
from workflow_runner import REPOSITORY, WORKFLOW, Actions, Comments, git

from publisher.hub.port import Hub
from publisher.hub.remote import RemoteHub
from publisher.records.artifacts import RepoRef
from publisher.staging.server import EmbeddedHub

ENVIRONMENT = "hugging-face"
TINY, OTHER = RepoRef("acme/tiny-lora"), RepoRef("acme/other-lora")
TRUST = {"claims": {"repository": REPOSITORY, "environment": ENVIRONMENT}}
USERS = {
    "users": [{"name": "alice", "organisations": ["acme"], "tokens": [{"token": "hf_alice"}]}],
    "trusted_publishers": trusted(TINY.repo_id, OTHER.repo_id, **TRUST),
}


@dataclass
class World:
    """A repository with a project in it, its provider, and the Hub as its owner sees it."""

    root: Path
    project: Path
    actions: Actions
    hub: RemoteHub

    @property
    def cards(self) -> Path:
        return self.project / "model_cards" / "tiny"

    def run(self, *arguments: str, **environment: str) -> None:
        """Run hubpub by hand."""
        done = subprocess.run(
            [HUBPUB, *arguments],
            cwd=self.project,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
        )
        assert 0 == done.returncode, done.stderr

    def initialise(self) -> None:
        """What is done once, by hand: the workflow, the repos."""
        self.run("ci", "init", "--proof", "static")
        for ref in (TINY, OTHER):
            self.hub.create(ref, private=True)
        self.commit("a release")

    def edit(self, words: str) -> None:
        """Change a release's prose, and nothing that was rendered from it."""
        (self.cards / "limitations.md").write_text(words)
        self.commit(words)

    def commit(self, message: str) -> None:
        git(self.root, "add", "--all")
        git(self.root, "commit", "--quiet", "-m", message)

    def commits(self) -> dict[str, int]:
        """How many each repo has on main."""
        return {ref.repo_id: len(self.hub.commits(ref, "main")) for ref in (TINY, OTHER)}

    def take_back(self, workspace: Path, summary: str) -> None:
        """Commit what a job's summary says is to be committed."""
        patch = self.root.parent / "summary.diff"
        patch.write_text(summary.split("~~~~~~diff\n")[1].split("~~~~~~\n")[0])
        git(self.root, "apply", str(patch))
        self.commit("what CI released")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A repository that is a project."""
    with _initialised(tmp_path, ".") as made:
        yield made


@pytest.fixture
def nested(tmp_path: Path) -> Iterator[World]:
    """A repository with a project in one of its folders."""
    with _initialised(tmp_path, "my models") as made:
        yield made


@contextmanager
def _initialised(tmp_path: Path, folder: str) -> Iterator[World]:
    root = tmp_path / "repository"
    project = root / folder
    manifest = write_project(project, ("adapter",)) / "release.yaml"
    manifest.write_text(manifest.read_text().replace("visibility: public", "visibility: private"))
    (root / ".gitignore").write_text(".hubpub/\n")
    (tmp_path / "users.yaml").write_text(json.dumps(USERS))
    git(root, "init", "--quiet", "--initial-branch", "main")
    comments = Comments()
    with (
        EmbeddedHub(tmp_path / "hub", users=tmp_path / "users.yaml") as hub,
        running_runner() as issuer,
    ):
        # Of pip nothing but its check is wanted: what it would install is installed already.
        variables = {"HUBPUB_HUB": hub.url, "PIP_NO_INDEX": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
        actions = Actions(root, tmp_path / "jobs", issuer, variables, comments)
        made = World(root, project, actions, RemoteHub(hub.url, "hf_alice", "hub.test"))
        made.initialise()
        yield made
    comments.stop()


def test_a_tag_of_one_release_releases_that_version_without_a_token(world: World) -> None:
    """And nothing else; what is to be committed stands in the summary, and is taken from there."""
    before = world.commits()
    jobs = world.actions.push_tag("tiny-v1.2.0")
    job = jobs["release"]
    world.take_back(job.workspace, job.summary)

    assert not job.failed, job.log
    assert {"review": False, "comment": False, "release": True} == {k: one.ran for k, one in jobs.items()}
    assert {"v1.2.0"} == world.hub.state(TINY).tags.keys()
    assert {**before, TINY.repo_id: before[TINY.repo_id] + 1} == world.commits()
    assert "Released tiny 1.2.0" in job.summary
    assert ["[OIDC]"] == [commit.author for commit in world.hub.commits(TINY, "main")[:1]]
    lock = Path("model_cards", "tiny", "release.lock.json")
    assert (job.workspace / lock).read_text() == (world.root / lock).read_text()


def test_a_tag_of_all_releases_what_changed_and_nothing_else(world: World) -> None:
    """A repository with forty manifests has one workflow. A job that is run again does nothing."""
    shutil.copytree(world.root / "model_cards" / "tiny", world.root / "model_cards" / "other")
    world.commit("another release")
    first = world.actions.push_tag("v1")["release"]
    again = world.actions.run_tag("v1")["release"]
    world.take_back(first.workspace, first.summary)
    before = world.commits()
    world.edit("It knows nothing, and less on Mondays.\n")
    second = world.actions.push_tag("v2")["release"]

    assert (False, False, False) == (first.failed, again.failed, second.failed), (
        first.log + again.log + second.log
    )
    assert {TINY.repo_id: 2, OTHER.repo_id: 2} == before, "the Hub's first, and one release each"
    assert {**before, TINY.repo_id: 3} == world.commits()
    assert f"other on {world.hub.endpoint}: nothing to do" in second.summary, (
        "told from the lock, nothing made"
    )
    assert "Mondays" in _file(world.hub, TINY, "README.md").decode()


def test_a_tag_with_a_typo_releases_nothing(world: World) -> None:
    """Least of all everything."""
    before = world.commits()
    job = world.actions.push_tag("tiney-v1.2.0")["release"]

    assert job.failed
    assert "error[HP-M02]: there is no release 'tiney'; did you mean tiny" in job.log
    assert before == world.commits()
    assert "git apply" not in job.summary


def test_a_job_without_the_environment_is_trusted_by_no_repo(world: World) -> None:
    """What protects the environment protects the Hub: a pull request that writes itself a release job gets nothing."""
    file = world.root / ".github" / "workflows" / "hubpub.yml"
    file.write_text(file.read_text().replace(f"    environment: {ENVIRONMENT}\n", ""))
    world.commit("without the environment")
    before = world.commits()
    job = world.actions.push_tag("tiny-v1.2.0")["release"]

    assert job.failed
    assert "error[HP-H03]" in job.log
    assert before == world.commits()


def test_a_pull_request_is_shown_what_would_change_and_changes_nothing(world: World) -> None:
    """With a card that is right, and with one that is not; one comment tells of it, and is written anew."""
    first = world.actions.push_tag("v1")["release"]
    world.take_back(first.workspace, first.summary)
    before, asked = world.commits(), len(world.actions.issuer.asked)
    good = world.actions.pull_request("main")
    world.edit("It knows nothing, and less on Mondays.\n")  # and the card is as it was
    stale = world.actions.pull_request("main")
    (comment,) = world.actions.comments.bodies

    assert {"review": True, "comment": True, "release": False} == {k: one.ran for k, one in good.items()}
    assert not good["review"].failed, good["review"].log + good["review"].summary
    for said in (
        "hubpub check model_cards/tiny/cards/adapter.md",
        "hubpub card tiny --check",
        "Plan for tiny",
    ):
        assert said in good["review"].summary
    assert stale["review"].failed
    assert "error[HP-C03]: adapter: the card on disk is not what facts and prose render to" in comment["body"]
    assert ["POST", "PATCH"] == [
        call.split()[0] for call in world.actions.comments.calls if not call.startswith("GET")
    ]
    assert before == world.commits()
    assert asked == len(world.actions.issuer.asked), "no job of a pull request has an ID token"
    ran = [first, *good.values(), *stale.values()]
    assert _blocks(world.root) == {block for job in ran for block in job.blocks}, "none was left unexecuted"


def test_a_project_in_a_folder_is_reviewed_and_released_from_there(nested: World) -> None:
    """GitHub reads the workflow at the root; cards, locks and the difference to commit lie deeper."""
    released = nested.actions.push_tag("tiny-v1.2.0")["release"]
    nested.take_back(released.workspace, released.summary)
    looked = nested.actions.pull_request("main")

    assert (False, False) == (released.failed, looked["review"].failed), (
        released.log + looked["review"].summary
    )
    assert {"v1.2.0"} == nested.hub.state(TINY).tags.keys()
    assert (nested.cards / "release.lock.json").is_file()
    assert "hubpub card tiny --check" in nested.actions.comments.bodies[0]["body"]


def test_a_pull_request_from_a_fork_is_looked_at_and_not_commented_on(world: World) -> None:
    """Its token may not write; the summary has the report, here of what was never made."""
    jobs = world.actions.pull_request("main", head="mallory/training")

    assert (True, False, False) == (jobs["review"].ran, jobs["review"].failed, jobs["comment"].ran)
    assert "+ acme/tiny-lora (adapter, private)" in jobs["review"].summary
    assert [] == world.actions.comments.calls


@pytest.mark.models
def test_what_was_trained_elsewhere_comes_back_by_its_digest_and_nothing_is_trained_there(
    world: World, tiny_base: Path, tiny_data: Path
) -> None:
    """A runner would train for hours, and make other weights than the ones that were looked at."""
    shutil.rmtree(world.cards / "inputs")
    shutil.copytree(tiny_base, world.cards / "inputs" / "base")
    shutil.copytree(tiny_data, world.cards / "inputs" / "data")
    manifest = world.cards / "release.yaml"
    trained = "dataset: {folder: inputs/data}\ntrain: {method: lora, steps: 1, max_length: 64}"
    manifest.write_text(manifest.read_text().replace("adapter: inputs/adapter", trained))
    world.commit("trained, says the manifest")
    never = world.actions.push_tag("tiny-v1.0.0")["release"]

    hub = {"HUBPUB_HUB": world.actions.variables["HUBPUB_HUB"], "HF_TOKEN": "hf_alice"}
    world.run("release", "tiny", "1.0.0", "--yes", "--proof", "static", **hub)
    world.commit("what the training machine released")
    weights = _file(world.hub, TINY, "adapter_model.safetensors")
    world.edit("It knows nothing, and less on Mondays.\n")
    job = world.actions.push_tag("v2")["release"]

    assert never.failed
    assert "error[HP-R03]: this would train, and --no-train was said: nothing was made yet" in never.log
    assert "hubpub release tiny --until verify" in never.log
    assert not job.failed, job.log
    assert re.search("^– train +restored as the lock has it", job.log, re.MULTILINE), job.log
    assert "Mondays" in _file(world.hub, TINY, "README.md").decode()
    assert weights == _file(world.hub, TINY, "adapter_model.safetensors")
    assert ["[OIDC]", "alice"] == [commit.author for commit in world.hub.commits(TINY, "main")[:2]]


def _file(hub: Hub, ref: RepoRef, path: str) -> bytes:
    return b"".join(hub.read(ref, "main", path))


def _blocks(root: Path) -> set[str]:
    """The names of all `run:` blocks in the workflow."""
    workflow = YAML(typ="safe", pure=True).load((root / WORKFLOW).read_text())
    return {step["name"] for job in workflow["jobs"].values() for step in job["steps"] if "run" in step}
