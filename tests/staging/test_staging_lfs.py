"""Large files: sent once, served whole, refused when they are not what was announced."""

from __future__ import annotations

import hashlib
import os
import random
import time

import pytest
from huggingface_hub import CommitOperationAdd, snapshot_download
from huggingface_hub.utils import get_session

BYTES = random.Random(7).randbytes(50_000)  # the same in every worker: parameters name tests
OID = hashlib.sha256(BYTES).hexdigest()


def batch(hub, repo, oid=OID, size=50_000, token="hf_alice"):
    """Ask where to send one object."""
    request = {"operation": "upload", "transfers": ["basic"], "objects": [{"oid": oid, "size": size}]}
    headers = {"Authorization": f"Bearer {token}"}
    return get_session().post(f"{hub.url}/{repo}.git/info/lfs/objects/batch", json=request, headers=headers)


def upload_address(hub, repo, **changes):
    return batch(hub, repo, **changes).json()["objects"][0]["actions"]["upload"]["href"]


def test_a_folder_comes_back_from_a_tag_byte_for_byte(alice, repo, folder, contents, tmp_path):
    """The promise that every release rests on."""
    alice.upload_folder(repo_id=repo, folder_path=folder, commit_message="release")
    alice.create_tag(repo, tag="v1", tag_message="first")
    alice.upload_file(repo_id=repo, path_in_repo="config.json", path_or_fileobj=b'{"later": 1}\n')

    back = snapshot_download(
        repo, revision="v1", endpoint=alice.endpoint, token=False, cache_dir=tmp_path / "cache"
    )

    expected = contents(folder)
    actual = contents(back)
    del actual[".gitattributes"]

    assert expected == actual


def test_the_tree_tells_large_files_from_regular_ones(alice, repo, folder):
    """Plans compare sha256 for large files and git's blob id for all."""
    alice.upload_folder(repo_id=repo, folder_path=folder)

    files = {
        entry.path: entry for entry in alice.list_repo_tree(repo, recursive=True) if hasattr(entry, "size")
    }
    weights = (folder / "model.safetensors").read_bytes()
    readme = (folder / "README.md").read_bytes()

    assert hashlib.sha256(weights).hexdigest() == files["model.safetensors"].lfs.sha256
    assert len(weights) == files["model.safetensors"].size
    assert files["README.md"].lfs is None
    assert hashlib.sha1(b"blob %d\0" % len(readme) + readme).hexdigest() == files["README.md"].blob_id
    assert len(readme) == files["README.md"].size


def test_sending_the_same_folder_again_makes_no_commit(alice, repo, folder):
    """A second run of a finished release does nothing."""
    first = alice.upload_folder(repo_id=repo, folder_path=folder)
    second = alice.upload_folder(repo_id=repo, folder_path=folder)

    assert first.oid == second.oid


def test_what_is_here_is_not_asked_for_again(hub, alice, repo):
    """A killed upload goes on where it was."""
    alice.preupload_lfs_files(repo, [CommitOperationAdd("w.bin", BYTES)])

    assert {"oid": OID, "size": len(BYTES)} == batch(hub, repo).json()["objects"][0]


def test_equal_bytes_of_two_repos_lie_on_disk_once(data, alice, repo):
    """A merged model that was released under two names costs its size once."""
    weights = os.urandom(1000)
    alice.create_repo(f"{repo}-twin")
    for name in (repo, f"{repo}-twin"):
        alice.upload_file(repo_id=name, path_in_repo="w.bin", path_or_fileobj=weights)

    assert 1 == len(list((data / "lfs").rglob(hashlib.sha256(weights).hexdigest())))


@pytest.mark.parametrize(
    ("sent", "complaint"),
    [
        (random.Random(8).randbytes(len(BYTES)), "another sha256"),
        (BYTES[:-1], "49999 bytes came"),
        (BYTES + b"x", "may have 50000"),
    ],
)
def test_bytes_that_are_not_what_was_announced_are_refused_and_not_kept(hub, data, repo, sent, complaint):
    """A cut or mixed-up upload must never get a name."""
    answer = get_session().put(upload_address(hub, repo), content=sent)

    assert answer.status_code in (400, 413)
    assert complaint in answer.json()["error"]
    assert "actions" in batch(hub, repo).json()["objects"][0]
    assert [] == list((data / "aside").iterdir())


@pytest.mark.parametrize(
    "change", [{"signature": "0" * 64}, {"size": "999999"}, {"expires": str(int(time.time()) + 9)}]
)
def test_a_forged_upload_address_is_refused(hub, repo, change):
    """The bytes travel without a token, so the address itself must be proof."""
    address, _, query = upload_address(hub, repo).partition("?")
    parts = dict(part.split("=") for part in query.split("&")) | change
    forged = f"{address}?{'&'.join(f'{key}={value}' for key, value in parts.items())}"

    assert 403 == get_session().put(forged, content=BYTES).status_code


def test_an_upload_address_runs_out(hub, repo, monkeypatch):
    """An address that leaks into a log opens nothing a day later."""
    address = upload_address(hub, repo)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 3601)

    answer = get_session().put(address, content=BYTES)

    assert (403, "This upload address has expired; ask for a new one") == (
        answer.status_code,
        answer.json()["error"],
    )


def test_a_commit_cannot_name_a_large_file_that_was_not_sent_to_this_repo(hub, alice, bob, repo):
    """Knowing a digest must not open another repo's bytes."""
    secret = os.urandom(1000)
    bob.create_repo(f"bob/{repo.split('/')[1]}", private=True)
    bob.upload_file(repo_id=f"bob/{repo.split('/')[1]}", path_in_repo="w.bin", path_or_fileobj=secret)
    stolen = CommitOperationAdd("w.bin", secret)
    stolen._is_uploaded = True
    lines = (
        '{"key": "header", "value": {"summary": "steal", "description": ""}}\n'
        f'{{"key": "lfsFile", "value": {{"path": "w.bin", "oid": "{hashlib.sha256(secret).hexdigest()}"}}}}\n'
    )

    answer = get_session().post(
        f"{hub.url}/api/models/{repo}/commit/main",
        content=lines,
        headers={"Authorization": "Bearer hf_alice"},
    )

    assert (400, True) == (answer.status_code, "was not sent to this repo" in answer.json()["error"])


def test_a_text_that_looks_like_a_pointer_stays_a_text(alice, repo):
    """Otherwise a three-line text would read another repo's large file."""
    text = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 10\n".encode()
    alice.upload_file(repo_id=repo, path_in_repo="pointer.txt", path_or_fileobj=text)

    assert text == get_session().get(f"{alice.endpoint}/{repo}/resolve/main/pointer.txt").content


@pytest.mark.parametrize(
    ("asked", "status", "expected"),
    [
        ("bytes=0-9", 206, BYTES[:10]),
        ("bytes=49990-", 206, BYTES[49990:]),
        ("bytes=-5", 206, BYTES[-5:]),
        ("bytes=10-999999", 206, BYTES[10:]),
        ("bytes=nonsense", 200, BYTES),
        ("bytes=50000-", 416, None),
    ],
)
def test_a_range_of_a_large_file_can_be_read(alice, repo, asked, status, expected):
    """Downloads go on after a break, and tensors are read from the middle of a file."""
    alice.upload_file(repo_id=repo, path_in_repo="w.bin", path_or_fileobj=BYTES)

    answer = get_session().get(f"{alice.endpoint}/{repo}/resolve/main/w.bin", headers={"Range": asked})

    assert status == answer.status_code
    assert expected in (None, answer.content)


def test_head_tells_commit_digest_and_size_without_a_body(alice, repo):
    """The client's cache is keyed by these headers."""
    commit = alice.upload_file(repo_id=repo, path_in_repo="w.bin", path_or_fileobj=BYTES).oid

    answer = get_session().head(f"{alice.endpoint}/{repo}/resolve/main/w.bin")
    told = {
        name: answer.headers[name] for name in ("X-Repo-Commit", "ETag", "X-Linked-Size", "Accept-Ranges")
    }

    assert {
        "X-Repo-Commit": commit,
        "ETag": f'"{OID}"',
        "X-Linked-Size": "50000",
        "Accept-Ranges": "bytes",
    } == told
    assert b"" == answer.content


def test_raw_shows_what_git_holds(alice, repo):
    """For a large file that is its pointer."""
    alice.upload_file(repo_id=repo, path_in_repo="w.bin", path_or_fileobj=BYTES)

    raw = get_session().get(f"{alice.endpoint}/{repo}/raw/main/w.bin").text

    assert f"version https://git-lfs.github.com/spec/v1\noid sha256:{OID}\nsize 50000\n" == raw


def test_deleting_the_last_repo_with_a_large_file_frees_its_room(data, alice, repo):
    """A folder of rehearsals must not grow for ever."""
    weights = os.urandom(1000)
    alice.upload_file(repo_id=repo, path_in_repo="w.bin", path_or_fileobj=weights)
    alice.delete_repo(repo)

    assert [] == list((data / "lfs").rglob(hashlib.sha256(weights).hexdigest()))
