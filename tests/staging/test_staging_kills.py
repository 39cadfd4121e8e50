"""kill -9 while many clients write: whatever was acknowledged is there afterwards, and nothing is torn."""

from __future__ import annotations

import hashlib
import json
import os
import random
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx2
from huggingface_hub import HfApi
from huggingface_hub.utils import get_session

from publisher.staging.server import EmbeddedHub, running

KILLS = int(os.environ.get("HUBPUB_TEST_KILLS", "3"))
REPOS = ("acme/one", "acme/two")  # two writers for each: some have their branch for themselves, some do not


@dataclass(frozen=True)
class Acknowledged:
    """A commit that a client was told of, with the large file in it."""

    repo: str
    commit: str
    path: str
    oid: str


class Writer(threading.Thread):
    """Sends one large file after another, each with a commit, until the server is gone."""

    def __init__(self, data: Path, repo: str, name: str, seed: str) -> None:
        super().__init__(name=name)
        self.told: list[Acknowledged] = []
        self._url, self._repo = running(data), repo
        self._headers = {"Authorization": f"Bearer {(data / 'token').read_text().strip()}"}
        self._random = random.Random(f"{seed}/{name}")

    def run(self) -> None:
        """Not through the client: it would try again for half a minute."""
        try:
            for number in range(100_000):
                self._commit(
                    f"{self.name}-{number}.bin", self._random.randbytes(self._random.randint(1, 300_000))
                )
        except httpx2.HTTPError:
            return

    def _commit(self, path: str, content: bytes) -> None:
        oid = hashlib.sha256(content).hexdigest()
        asked = {"operation": "upload", "objects": [{"oid": oid, "size": len(content)}]}
        batch = f"{self._url}/{self._repo}.git/info/lfs/objects/batch"
        offer = get_session().post(batch, json=asked, headers=self._headers).raise_for_status().json()
        get_session().put(
            offer["objects"][0]["actions"]["upload"]["href"], content=content
        ).raise_for_status()
        lines = [
            {"key": "header", "value": {"summary": path}},
            {"key": "file", "value": {"path": f"{path}.txt", "content": oid}},
            {"key": "lfsFile", "value": {"path": path, "algo": "sha256", "oid": oid, "size": len(content)}},
        ]
        answer = get_session().post(
            f"{self._url}/api/models/{self._repo}/commit/main",
            content="\n".join(json.dumps(line) for line in lines),
            headers=self._headers,
        )
        commit = answer.raise_for_status().json()["commitOid"]
        self.told.append(Acknowledged(self._repo, commit, path, oid))


def test_kills_under_load_lose_nothing_that_was_acknowledged(
    serve: Callable[[Path], subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    """Commits, their texts, their large files with the right bytes; and git finds no fault."""
    data, chance = tmp_path / "data", random.Random(20)
    told: list[Acknowledged] = []
    for kill in range(KILLS):
        server = serve(data)
        if not kill:
            api = HfApi(endpoint=running(data), token=(data / "token").read_text().strip())
            for repo in REPOS:
                api.create_repo(repo)
        writers = [Writer(data, repo, f"{kill}{letter}", "20") for repo in REPOS for letter in "ab"]
        for writer in writers:
            writer.start()
        time.sleep(chance.uniform(0.3, 0.8))
        server.kill()
        for writer in writers:
            writer.join()
        server.wait()
        told += [each for writer in writers for each in writer.told]

    with EmbeddedHub(data) as hub:
        api = HfApi(endpoint=hub.url, token=hub.token)
        histories = {repo: {each.commit_id for each in api.list_repo_commits(repo)} for repo in REPOS}
        trees = {
            repo: {each.path: each for each in api.list_repo_tree(repo) if each.path != ".gitattributes"}
            for repo in REPOS
        }
        left = list((data / "aside").iterdir())
    large = {
        each.lfs.sha256: hashlib.sha256(path.read_bytes()).hexdigest()
        for tree in trees.values()
        for each in tree.values()
        if each.lfs
        for path in (data / "lfs").rglob(each.lfs.sha256)
    }
    pointers = [each.lfs.sha256 for tree in trees.values() for each in tree.values() if each.lfs]
    fsck = [
        subprocess.run(
            ["git", "-C", str(folder), "fsck", "--full", "--no-dangling", "--no-progress"],
            capture_output=True,
            text=True,
        )
        for folder in (data / "repos").iterdir()
    ]

    assert len(told) > 5 * KILLS
    assert [] == [each for each in told if each.commit not in histories[each.repo]]
    assert [] == [each for each in told if trees[each.repo][each.path].lfs.sha256 != each.oid]
    assert [] == [each for each in told if f"{each.path}.txt" not in trees[each.repo]]
    assert {oid: oid for oid in pointers} == large
    assert [(0, "")] * len(REPOS) == [(done.returncode, done.stdout + done.stderr) for done in fsck]
    assert [] == left
