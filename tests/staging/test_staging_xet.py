"""Xet, which the client uses unless it is told not to: taken in, checked, and served as any large file."""

from __future__ import annotations

import hashlib
import os
import struct
import subprocess
import sys

import pytest
from huggingface_hub.utils import get_session

from publisher.staging import xet

pytestmark = pytest.mark.skipif(not xet.is_available(), reason="no hf_xet of a version that was tried")

# A process of its own: whether the client uses Xet is decided when it is imported.
CLIENT = """
import sys
from huggingface_hub import HfApi, constants

url, token, repo, folder, cache = sys.argv[1:]
assert not constants.HF_HUB_DISABLE_XET
api = HfApi(endpoint=url, token=token)
first = api.upload_folder(repo_id=repo, folder_path=folder, commit_message="release")
again = api.upload_folder(repo_id=repo, folder_path=folder)
assert first.oid == again.oid, "a second upload made a commit"
proposed = api.upload_file(
    repo_id=repo, path_in_repo="more.bin", path_or_fileobj=b"\\0" * 100_000, create_pr=True, commit_message="More"
)
api.merge_pull_request(repo, proposed.pr_num)
print(api.snapshot_download(repo, cache_dir=cache))
"""


def run_client(hub, repo, folder, tmp_path):
    environment = {key: value for key, value in os.environ.items() if not key.startswith("HF_")}
    environment |= {"HF_HOME": str(tmp_path / "home"), "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
    arguments = [hub.url, "hf_alice", repo, str(folder), str(tmp_path / "cache")]
    done = subprocess.run(
        [sys.executable, "-c", CLIENT, *arguments],
        capture_output=True,
        text=True,
        env=environment,
        timeout=60,
    )
    assert 0 == done.returncode, done.stderr
    return done.stdout.strip()


def test_a_folder_sent_through_xet_comes_back_byte_for_byte(
    hub, alice, repo, folder, contents, tmp_path, data
):
    """The default install of the client, unmodified, with no switch set."""
    back = contents(run_client(hub, repo, folder, tmp_path))

    weights = (folder / "model.safetensors").read_bytes()
    served = get_session().get(f"{hub.url}/{repo}/resolve/main/model.safetensors")

    assert contents(folder) | {"more.bin": b"\0" * 100_000} == {
        path: content for path, content in back.items() if path != ".gitattributes"
    }
    # What counts lies with the other large files and is served over plain HTTP; Xet's store is no longer needed.
    assert weights == served.content
    assert 1 == len(list((data / "lfs").rglob(hashlib.sha256(weights).hexdigest())))


def test_a_shard_that_is_no_shard_holds_no_files():
    """The folder is written by a client; its bytes are judged, not trusted."""
    record = struct.pack("<32sIIQ", b"\1" * 32, 1 << 30, 1_000_000, 0)

    for shard in (b"", b"x" * 47, bytes(48) + record, bytes(48) + b"\xff" * 48, os.urandom(5000)):
        assert {} == xet._files_of(shard)


def test_a_write_token_is_for_those_who_may_write(hub, repo):
    """Everyone else gets no folder to write to."""
    address = f"{hub.url}/api/models/{repo}/xet-write-token/main"

    answers = [
        get_session().get(address, headers=headers).status_code
        for headers in ({}, {"Authorization": "Bearer hf_alice_reads"}, {"Authorization": "Bearer hf_alice"})
    ]

    assert [401, 403, 200] == answers
