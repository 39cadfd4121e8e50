"""Reading a repo with git: anyone can audit a release without our code."""

from __future__ import annotations

import os
import subprocess

import pytest
from huggingface_hub.utils import get_session


def clone(address, target):
    """Clone with the system's git, without its LFS filter and without a terminal to ask in."""
    environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0", "GIT_CONFIG_GLOBAL": os.devnull}
    return subprocess.run(
        [
            "git",
            "-c",
            "filter.lfs.smudge=",
            "-c",
            "filter.lfs.required=false",
            "clone",
            "-q",
            address,
            str(target),
        ],
        capture_output=True,
        text=True,
        env=environment,
    )


@pytest.mark.parametrize("suffix", ["", ".git"])
def test_git_clones_a_public_repo(alice, repo, folder, tmp_path, suffix):
    """History, texts, and pointers in the place of large files."""
    alice.upload_folder(repo_id=repo, folder_path=folder)
    alice.create_tag(repo, tag="v1", tag_message="first")

    done = clone(f"{alice.endpoint}/{repo}{suffix}", tmp_path / "clone")
    tags = subprocess.run(["git", "tag"], cwd=tmp_path / "clone", capture_output=True, text=True).stdout

    assert (0, "") == (done.returncode, done.stderr)
    assert (folder / "README.md").read_bytes() == (tmp_path / "clone/README.md").read_bytes()
    assert (tmp_path / "clone/model.safetensors").read_text().startswith("version https://git-lfs")
    assert "v1\n" == tags


def test_git_clones_a_private_dataset_with_a_token_only(alice, repo, tmp_path):
    """As the real Hub: any name, the token as the password."""
    alice.create_repo(repo, repo_type="dataset", private=True)
    address = f"{alice.endpoint}/datasets/{repo}"

    refused = clone(address, tmp_path / "refused")
    done = clone(address.replace("://", "://anyone:hf_alice@"), tmp_path / "clone")

    assert 0 != refused.returncode
    assert 0 == done.returncode
    assert (tmp_path / "clone/.gitattributes").is_file()


def test_a_push_is_refused(alice, repo, tmp_path):
    """Commits come over the API, where every check stands."""
    clone(f"{alice.endpoint}/{repo}", tmp_path / "clone")
    answer = get_session().get(f"{alice.endpoint}/{repo}/info/refs?service=git-receive-pack")

    assert 403 == answer.status_code


def test_gits_lfs_filter_is_told_where_the_bytes_are(alice, repo):
    """`git lfs pull` after a clone."""
    weights = os.urandom(1000)
    alice.upload_file(repo_id=repo, path_in_repo="w.bin", path_or_fileobj=weights)
    large = alice.get_paths_info(repo, ["w.bin"])[0].lfs
    request = {"operation": "download", "objects": [{"oid": large.sha256, "size": large.size}]}

    answer = get_session().post(f"{alice.endpoint}/{repo}.git/info/lfs/objects/batch", json=request).json()
    action = answer["objects"][0]["actions"]["download"]

    assert weights == get_session().get(action["href"], headers=action.get("header", {})).content
