"""A project to release from, the program as users start it, and the Hub that it released to, seen by the real client."""

from __future__ import annotations

import json
import os

os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"  # read once, when the client is imported

import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huggingface_hub import HfApi

from publisher.staging.server import EmbeddedHub

HUBPUB = Path(sys.executable).with_name("hubpub")
PLANTED = "hf_" + "plantedTokenThatMustNeverBeSeen"[:30]
HUBS_OWN = ".gitattributes"


@dataclass(frozen=True)
class Ran:
    """How a run ended."""

    code: int
    out: str
    err: str
    seconds: float

    @property
    def worked(self) -> list[str]:
        """The stages that worked, in order."""
        return re.findall(r"^✓ (\w+)", self.err, re.MULTILINE)

    @property
    def skipped(self) -> dict[str, str]:
        """Stage → the reason it gave for not running."""
        return {stage: why.strip() for stage, why in re.findall(r"^– (\w+) +(.+)$", self.err, re.MULTILINE)}

    @property
    def errors(self) -> list[str]:
        """The codes of all errors that were printed."""
        return re.findall(r"^error\[([A-Z-]+\d+)\]", self.err, re.MULTILINE)


@dataclass(frozen=True)
class Repo:
    """What the Hub says of one repo."""

    private: bool
    branches: dict[str, str]
    tags: dict[str, str]
    commits: list[str]  # titles of main, newest first
    files: dict[str, bytes]


@dataclass(frozen=True)
class Room:
    """One project folder with one release in it."""

    root: Path
    name: str

    @property
    def cards(self) -> Path:
        return self.root / "model_cards" / self.name

    @property
    def workspace(self) -> Path:
        return self.root / ".hubpub" / self.name

    @property
    def journal(self) -> Path:
        return self.workspace / "hubs" / "local" / "journal.jsonl"

    @property
    def manifest(self) -> Path:
        return self.cards / "release.yaml"

    def edit(self, old: str, new: str) -> None:
        """Change the manifest."""
        text = self.manifest.read_text()
        assert old in text
        self.manifest.write_text(text.replace(old, new))

    def copy(self, to: Path) -> Room:
        """The whole project elsewhere, times of change kept; what was made stays made."""
        shutil.copytree(self.root, to, symlinks=True)
        return Room(to, self.name)

    def run(self, *arguments: str, **environment: str) -> Ran:
        """Run hubpub in the project, with a token in the environment that nothing may show."""
        began = time.monotonic()
        done = subprocess.run(
            [HUBPUB, *arguments],
            cwd=self.root,
            env=_environment(environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=3600,  # a slow machine is no failure; without AVX-512, bfloat16 takes ten times as long
        )
        ran = Ran(done.returncode, done.stdout, done.stderr, time.monotonic() - began)
        assert PLANTED not in ran.out + ran.err
        return ran

    def release(self, *arguments: str) -> Ran:
        """`hubpub release NAME --hub local --yes`, with further arguments."""
        return self.run("release", self.name, "--hub", "local", "--yes", *arguments)

    def release_until(self, met: Callable[[str], bool], number: signal.Signals) -> Ran:
        """Start a release and send it a signal as soon as `met` says so of what it printed to stderr."""
        began = time.monotonic()
        log = self.root / "stderr.txt"
        with log.open("wb") as stderr:
            process = subprocess.Popen(
                [HUBPUB, "release", self.name, "--hub", "local", "--yes"],
                cwd=self.root,
                env=_environment({"PYTHONUNBUFFERED": "1"}),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=stderr,
                start_new_session=True,
            )
        try:
            while not met(log.read_text()):
                assert process.poll() is None, log.read_text()
                assert time.monotonic() - began < 200, log.read_text()
                time.sleep(0.001)
            process.send_signal(number)
            process.wait(30)
        finally:
            process.kill()
            process.wait()
        return Ran(process.returncode, "", log.read_text(), time.monotonic() - began)

    def journaled(self, event: str, step: str | None = None) -> int:
        """How many such lines the journal has."""
        lines = self.journal.read_text().splitlines(keepends=True) if self.journal.is_file() else []
        whole = [json.loads(line) for line in lines if line.endswith("\n")]
        return sum(line["event"] == event and step in (None, line.get("step")) for line in whole)

    def children(self) -> dict[str, int]:
        """When each kind of engine child last wrote its log: equal before and after means that none was started."""
        return {log.name: log.stat().st_mtime_ns for log in (self.workspace / "scratch").glob("*.log")}

    @contextmanager
    def hub(self) -> Iterator[HfApi]:
        """The real client, as the owner of the embedded Hub's data."""
        with EmbeddedHub(self.root / ".hubpub" / "_hub") as served:
            yield HfApi(endpoint=served.url, token=served.token)

    def published(self) -> dict[str, Repo]:
        """Everything that the Hub has, repo by repo."""
        with self.hub() as api:
            repos = {(info.id, "model") for info in api.list_models()}
            repos |= {(info.id, "dataset") for info in api.list_datasets()}
            return {repo_id: _look(api, repo_id, repo_type) for repo_id, repo_type in sorted(repos)}

    def artifact(self, kind: str) -> dict[str, bytes]:
        """The files of an artifact's folder."""
        folder = self.workspace / "artifacts" / kind
        return {
            f.relative_to(folder).as_posix(): f.read_bytes() for f in sorted(folder.rglob("*")) if f.is_file()
        }

    def document(self, path: str) -> Any:
        """A JSON file of the workspace."""
        return json.loads((self.workspace / path).read_text())

    def lock(self) -> Any:
        """The lock."""
        return json.loads((self.cards / "release.lock.json").read_text())


def _look(api: HfApi, repo_id: str, repo_type: str) -> Repo:
    info = api.repo_info(repo_id, repo_type=repo_type)
    refs = api.list_repo_refs(repo_id, repo_type=repo_type)
    commits = api.list_repo_commits(repo_id, repo_type=repo_type)
    with_files = api.snapshot_download(
        repo_id, repo_type=repo_type, cache_dir=os.path.join(os.environ["HOME"], api.endpoint.split(":")[-1])
    )
    folder = Path(with_files)
    files = {f.relative_to(folder).as_posix(): f.read_bytes() for f in folder.rglob("*") if f.is_file()}
    return Repo(
        bool(info.private),
        {branch.name: branch.target_commit for branch in refs.branches},
        {tag.name: tag.target_commit for tag in refs.tags},
        [commit.title for commit in commits],
        {path: content for path, content in files.items() if path != HUBS_OWN},
    )


def _environment(more: dict[str, str]) -> dict[str, str]:
    """Threads as `make unit` gives them: with two each on two cores, two workers wait for one another."""
    return {"OMP_NUM_THREADS": "2", **os.environ, "HF_TOKEN": PLANTED, "NO_COLOR": "1", **more}
