"""A disk that is really full: exit 4, what was done is kept, and with more room the same command goes on."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from release_room import HUBPUB
from tiny_rooms import NAME, write_project

from publisher.hub.remote import RemoteHub
from publisher.records.artifacts import RepoRef
from publisher.staging.server import EmbeddedHub

USERS = "- name: acme\n  tokens: [{token: hf_acme}]\n"
ADAPTER = RepoRef("acme/tiny-lora")
# Runs in a mount namespace of its own: a disk of half a megabyte, which a file fills but for what the next run may use.
DRIVER = """
import json, os, shutil, subprocess, sys
project, disk, first, step, most, *command = sys.argv[1:]
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", disk], check=True)
shutil.copytree(project, disk, dirs_exist_ok=True)
free, runs = int(first), []
while True:
    filler = os.path.join(disk, "filler")
    with open(filler, "wb") as stream:
        stream.truncate(0)
        there = os.statvfs(disk)
        stream.write(bytes(max(there.f_bavail * there.f_frsize - free, 0)))
    done = subprocess.run(command, cwd=disk, capture_output=True, text=True)
    runs.append([done.returncode, done.stderr])
    if done.returncode == 0 or len(runs) == int(most):
        break
    os.unlink(filler)
    free += int(step)
os.unlink(filler)
again = subprocess.run(command, cwd=disk, capture_output=True, text=True)
print(json.dumps({"runs": runs, "again": again.stdout}))
"""


@pytest.fixture
def served(tmp_path: Path) -> Iterator[EmbeddedHub]:
    """A Hub on another disk."""
    (tmp_path / "users.yaml").write_text(USERS)
    with EmbeddedHub(tmp_path / "hub", users=tmp_path / "users.yaml") as running:
        yield running


def _command(served: EmbeddedHub) -> list[str]:
    return [str(HUBPUB), "release", NAME, "--hub", served.url, "--yes", "--proof", "static", "--quiet"]


def _environment() -> dict[str, str]:
    return {**os.environ, "HF_TOKEN": "hf_acme", "NO_COLOR": "1"}


def _look(served: EmbeddedHub) -> Any:
    hub = RemoteHub(served.url, "hf_acme", "hub.test")
    state = hub.state(ADAPTER)
    assert state is not None
    titles = [commit.title for commit in hub.commits(ADAPTER, "main")]
    return titles, sorted(state.branches), sorted(state.tags), state.private


END = (["tiny 1.0.0: adapter", "initial commit"], ["main"], ["v1.0.0"], False)


def test_a_disk_that_fills_at_ever_later_moments_of_a_release(served: EmbeddedHub, tmp_path: Path) -> None:
    """Each run gets a little more room than the one before, so that it ends in another place."""
    write_project(tmp_path / "project", ("adapter",))
    disk = tmp_path / "disk"
    disk.mkdir()
    namespace = ["unshare", "--user", "--map-root-user", "--mount"]
    if subprocess.run([*namespace, "true"], capture_output=True).returncode:
        pytest.skip("this kernel gives no mount namespace to users; the limit on file sizes is tried below")
    script = [sys.executable, "-c", DRIVER, str(tmp_path / "project"), str(disk), "0", "24576", "20"]
    done = subprocess.run(
        [*namespace, *script, *_command(served)],
        env=_environment(),
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    *full, last = told["runs"]

    # Some are told before anything is written, the others where a write has failed.
    assert sum("go on with: hubpub release tiny" in words for _, words in full) >= 3
    for code, words in full:
        assert (4, 1) == (code, words.count("error[HP-X01]")), words
    assert 0 == last[0], last[1]
    assert END == _look(served)
    assert "nothing to do" in told["again"]


@pytest.mark.parametrize("limit", [100, 3000])
def test_a_limit_on_the_size_of_files_is_told_as_a_full_disk(
    served: EmbeddedHub, tmp_path: Path, limit: int
) -> None:
    """Quotas and old file systems end a write in the same way, and this is tried on every kernel."""
    write_project(tmp_path, ("adapter",))

    def small() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))

    stopped = subprocess.run(
        _command(served), cwd=tmp_path, env=_environment(), capture_output=True, text=True, preexec_fn=small
    )
    again = subprocess.run(_command(served), cwd=tmp_path, env=_environment(), capture_output=True, text=True)

    assert (4, 1) == (stopped.returncode, stopped.stderr.count("error[HP-X01]")), stopped.stderr
    assert 0 == again.returncode, again.stderr
    assert END == _look(served)


def test_an_output_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """`hubpub schema > full-disk/file` must not end as if it had worked."""
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [HUBPUB, "schema"], cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, text=True
        )

    assert (4, 1) == (done.returncode, done.stderr.count("error[HP-X01]"))
