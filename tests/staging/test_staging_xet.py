"""Xet, which the client uses unless it is told not to: taken in, checked, and served as any large file."""

from __future__ import annotations

import hashlib
import os
import random
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest
from huggingface_hub.utils import get_session

from publisher.staging import xet
from publisher.staging.xet_reading import CHUNK

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
    # What counts lies with the other large files; the store that the client wrote to is no longer needed.
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


# -- reading -----------------------------------------------------------------------------------------------------------

WEIGHTS = random.Random(11).randbytes(3 * CHUNK + 500)
OID = hashlib.sha256(WEIGHTS).hexdigest()


@pytest.fixture
def address(hub, alice, repo) -> str:
    """Where a Xet client reads the files of a private repo."""
    alice.upload_file(repo_id=repo, path_in_repo="w.bin", path_or_fileobj=WEIGHTS)
    alice.update_repo_settings(repo, private=True)
    headers = {"Authorization": "Bearer hf_alice"}
    answer = get_session().get(f"{hub.url}/api/models/{repo}/xet-read-token/main", headers=headers)
    return answer.json()["casUrl"]


def read(address: str, asked: str | None = None) -> bytes:
    """Read a range as hf_xet does: which chunks, the chunks, what is inside them."""
    headers = {"Authorization": "Bearer in-the-address"} | ({"Range": asked} if asked else {})
    told = get_session().get(f"{address}/v1/reconstructions/{OID}", headers=headers).json()
    (term,), (fetch,) = told["terms"], told["fetch_info"][OID]
    sent = {"Range": f"bytes={fetch['url_range']['start']}-{fetch['url_range']['end']}"}
    framed, data = get_session().get(fetch["url"], headers=sent).content, b""
    while framed:
        assert framed[0] == framed[4] == 0
        length = int.from_bytes(framed[1:4], "little")
        data, framed = data + framed[8 : 8 + length], framed[8 + length :]
    assert term["unpacked_length"] == len(data)
    return data[told["offset_into_first_range"] :]


@pytest.mark.parametrize(
    ("asked", "first", "end"),
    [
        (None, 0, len(WEIGHTS)),
        ("bytes=0-9", 0, CHUNK),
        (f"bytes={CHUNK + 7}-{2 * CHUNK}", CHUNK + 7, 3 * CHUNK),
        (f"bytes={3 * CHUNK + 499}-99999999", 3 * CHUNK + 499, len(WEIGHTS)),
    ],
)
def test_a_range_of_a_file_is_in_the_chunks_that_are_named(address, asked, first, end):
    """Whole chunks, so what comes may be more than what was asked for, and never less."""
    assert WEIGHTS[first:end] == read(address, asked)


def test_a_piece_of_the_chunks_can_be_asked_for_from_anywhere(address):
    """A break in the midst of a chunk is gone on from there."""
    told = get_session().get(f"{address}/v1/reconstructions/{OID}").json()
    (fetch,) = told["fetch_info"][OID]
    total = fetch["url_range"]["end"] + 1
    whole = get_session().get(fetch["url"], headers={"Range": f"bytes=0-{total - 1}"}).content
    pieces = [
        get_session().get(fetch["url"], headers={"Range": f"bytes={start}-{start + 29_998}"}).content
        for start in range(0, total, 29_999)
    ]

    assert total == len(whole)
    assert whole == b"".join(pieces)
    assert 416 == get_session().get(fetch["url"], headers={"Range": f"bytes={total}-{total}"}).status_code


def test_an_address_for_reading_is_given_to_readers_only_and_runs_out(hub, repo, address, monkeypatch):
    """It is proof by itself, as an upload's is; and it is for one repo."""
    asked = f"{hub.url}/api/models/{repo}/xet-read-token/main"
    strangers = [
        get_session().get(asked, headers=headers).status_code
        for headers in ({}, {"Authorization": "Bearer hf_bob"})
    ]
    forged = address[:-1] + ("0" if address[-1] != "0" else "1")
    number = address.split("/xet/")[1].split("/")[0]
    other = address.replace(f"/xet/{number}/", "/xet/999/")
    missing = get_session().get(f"{address}/v1/reconstructions/{'0' * 64}")
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 3601)
    late = get_session().get(f"{address}/v1/reconstructions/{OID}")

    assert [401, 404] == strangers
    assert [403, 403] == [
        get_session().get(f"{each}/v1/reconstructions/{OID}").status_code for each in (forged, other)
    ]
    assert (404, 403) == (missing.status_code, late.status_code)


def test_the_default_client_reads_large_files_through_xet(hub, alice, repo, tmp_path):
    """Whether they were sent so or not: the way in is not the way out."""
    alice.upload_file(repo_id=repo, path_in_repo="w.bin", path_or_fileobj=WEIGHTS)
    code = """
import sys
from huggingface_hub import HfApi, hf_hub_url, file_download
url, repo, cache = sys.argv[1:]
file_download.http_get = None  # the plain way is closed
print(HfApi(endpoint=url, token="hf_alice").hf_hub_download(repo, "w.bin", cache_dir=cache))
"""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("HF_")}
    environment |= {"HF_HOME": str(tmp_path / "home"), "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code, hub.url, repo, str(tmp_path / "cache")],
        capture_output=True,
        text=True,
        env=environment,
        timeout=60,
    )

    assert 0 == done.returncode, done.stderr
    assert WEIGHTS == Path(done.stdout.strip()).read_bytes()
