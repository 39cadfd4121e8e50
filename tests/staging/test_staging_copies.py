"""Files copied from one repo to another without being sent again."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from huggingface_hub import CommitOperationAdd, CommitOperationCopy, snapshot_download
from huggingface_hub.errors import HfHubHTTPError, RepositoryNotFoundError

from publisher.staging import xet

WEIGHTS = os.urandom(2000)


@pytest.fixture
def source(alice, repo) -> str:
    """A repo with a large file and a text."""
    files = [CommitOperationAdd("w.bin", WEIGHTS), CommitOperationAdd("sub/notes.txt", b"notes\n")]
    alice.create_commit(repo, files, commit_message="source")
    return repo


def test_a_commit_copies_large_and_small_files_from_another_repo(alice, bob, source, contents, tmp_path):
    """`CommitOperationCopy` with a source repo; bob reads what is public and writes to his own."""
    target = f"bob/copy-{source.split('/')[1]}"
    bob.create_repo(target, repo_type="dataset")
    copies = [
        CommitOperationCopy(path, path, src_repo_id=source, src_repo_type="model")
        for path in ("w.bin", "sub/notes.txt")
    ]
    bob.create_commit(target, copies, repo_type="dataset", commit_message="copies")
    alice.delete_repo(source)

    back = contents(
        snapshot_download(
            target, repo_type="dataset", endpoint=bob.endpoint, token=False, cache_dir=tmp_path / "cache"
        )
    )

    assert {"w.bin": WEIGHTS, "sub/notes.txt": b"notes\n"} == {
        path: content for path, content in back.items() if path != ".gitattributes"
    }


def test_whole_folders_are_copied_by_their_addresses(alice, source):
    """`hf cp`, as Python calls it."""
    target = f"{source}-target"
    alice.create_repo(target)
    alice.copy_files(f"hf://{source}/", f"hf://{target}/all/")

    assert {"all/w.bin", "all/sub/notes.txt"} <= set(alice.list_repo_files(target))


def test_a_file_is_not_copied_out_of_a_repo_that_one_may_not_read(alice, bob, source):
    """Nor into one that one may not write to."""
    alice.update_repo_settings(source, private=True)
    bob.create_repo(f"bob/{source.split('/')[1]}")
    copy = CommitOperationCopy("w.bin", "w.bin", src_repo_id=source, src_repo_type="model")
    with pytest.raises(RepositoryNotFoundError):
        bob.create_commit(f"bob/{source.split('/')[1]}", [copy], commit_message="steal")
    with pytest.raises(HfHubHTTPError) as caught:
        alice.create_commit(f"bob/{source.split('/')[1]}", [copy], commit_message="push")

    assert 403 == caught.value.response.status_code


@pytest.mark.skipif(not xet.is_available(), reason="no hf_xet of a version that was tried")
def test_the_default_client_with_xet_copies_too_and_still_downloads(hub, alice, source, tmp_path):
    """Nothing switched off: the copy's name for the bytes must not lead a download astray."""
    alice.create_repo(f"{source}-target")
    code = """
import sys
from huggingface_hub import HfApi, HfFileSystem, constants
assert not constants.HF_HUB_DISABLE_XET
url, source, target, place = sys.argv[1:]
api = HfApi(endpoint=url, token="hf_alice")
api.copy_files(f"hf://{source}/w.bin", f"hf://{target}/w.bin")
print(api.hf_hub_download(target, "w.bin", local_dir=place))
HfFileSystem(endpoint=url, token="hf_alice").get_file(f"{target}/w.bin", place + "/through-fsspec.bin")
"""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("HF_")}
    environment |= {"HF_HOME": str(tmp_path / "home"), "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code, hub.url, source, f"{source}-target", str(tmp_path / "back")],
        capture_output=True,
        text=True,
        env=environment,
        timeout=60,
    )

    assert 0 == done.returncode, done.stderr
    assert WEIGHTS == (tmp_path / "back/w.bin").read_bytes()
    assert WEIGHTS == Path(tmp_path / "back/through-fsspec.bin").read_bytes()
