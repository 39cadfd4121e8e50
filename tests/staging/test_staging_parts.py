"""Large files in parts: for files that no storage takes in one piece."""

from __future__ import annotations

import hashlib
import json
import os
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import CommitOperationAdd, HfApi
from huggingface_hub.utils import get_session

from publisher.staging.server import EmbeddedHub

PART = 20_000
BYTES = random.Random(9).randbytes(2 * PART + 123)
OID = hashlib.sha256(BYTES).hexdigest()


@pytest.fixture
def parted(tmp_path: Path) -> Iterator[EmbeddedHub]:
    """A Hub that asks for files of more than 20 000 bytes in parts."""
    with EmbeddedHub(tmp_path / "data", parts_from=PART) as running:
        yield running


@pytest.fixture
def owner(parted: EmbeddedHub) -> HfApi:
    api = HfApi(endpoint=parted.url, token=parted.token)
    api.create_repo("acme/model")
    return api


def offered(hub: EmbeddedHub, transfers: list[str] | None = None) -> dict:
    """The upload action for BYTES."""
    answer = get_session().post(
        f"{hub.url}/acme/model.git/info/lfs/objects/batch",
        json={
            "operation": "upload",
            "transfers": ["basic", "multipart"] if transfers is None else transfers,
            "objects": [{"oid": OID, "size": len(BYTES)}],
        },
        headers={"Authorization": f"Bearer {hub.token}"},
    )
    return answer.json()["objects"][0]["actions"]["upload"]


def sent(action: dict) -> list[dict]:
    """Send all parts; returns what the last call names."""
    parts = []
    for number in (1, 2, 3):
        piece = BYTES[(number - 1) * PART : number * PART]
        answer = get_session().put(action["header"][str(number)], content=piece)
        parts.append({"partNumber": number, "etag": answer.headers["etag"]})
    return parts


def test_the_client_sends_a_larger_file_in_parts_and_it_comes_back_whole(parted, owner, tmp_path):
    """The client's own code does it; equal bytes lie on disk once, and no part is left."""
    owner.create_commit("acme/model", [CommitOperationAdd("w.bin", BYTES)], commit_message="in parts")
    back = owner.hf_hub_download("acme/model", "w.bin", cache_dir=tmp_path / "cache")

    assert BYTES == Path(back).read_bytes()
    assert [] == list((parted._data / "parts").iterdir())
    assert {"chunk_size", "1", "2", "3"} == set(offered_of_another(parted)["header"])


def offered_of_another(hub: EmbeddedHub) -> dict:
    """The upload action for a file of the same size that is not here."""
    request = {
        "operation": "upload",
        "transfers": ["multipart"],
        "objects": [{"oid": "0" * 64, "size": len(BYTES)}],
    }
    answer = get_session().post(
        f"{hub.url}/acme/model.git/info/lfs/objects/batch",
        json=request,
        headers={"Authorization": f"Bearer {hub.token}"},
    )
    return answer.json()["objects"][0]["actions"]["upload"]


def test_who_knows_no_parts_and_what_is_small_is_asked_for_in_one_piece(parted, owner):
    """git-lfs itself knows `basic` only."""
    small = CommitOperationAdd("small.bin", BYTES[:PART])
    owner.create_commit("acme/model", [small], commit_message="at the bound")

    assert "header" not in offered(parted, transfers=["basic"])
    assert [] == list((parted._data / "parts").iterdir())


def test_the_last_call_may_be_made_again(parted, owner):
    """Its answer may get lost; the client asks again by itself."""
    action = offered(parted)
    call = {"oid": OID, "parts": sent(action)}

    assert [200, 200] == [get_session().post(action["href"], json=call).status_code for _ in range(2)]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"parts": []}, "of parts, 3"),
        ({"oid": "0" * 64}, "oid and parts are needed"),
        ({"etag": '"' + "0" * 64 + '"'}, "Part 2 is not here"),
        ({"etag": "../../token"}, "must have its number and the ETag"),
        ({"partNumber": 1}, "must have its number and the ETag"),
    ],
)
def test_a_last_call_that_does_not_fit_is_refused_and_nothing_is_kept(parted, owner, change, complaint):
    """A file gets its name only when it is whole and what was announced."""
    action = offered(parted)
    parts = sent(action)
    parts[1] |= {key: value for key, value in change.items() if key in ("etag", "partNumber")}
    call = {"oid": OID, "parts": parts} | {k: v for k, v in change.items() if k in ("oid", "parts")}

    answer = get_session().post(action["href"], json=call)

    assert (400, True) == (answer.status_code, complaint in answer.json()["error"])
    assert [] == [path for path in (parted._data / "lfs").rglob("*") if path.is_file()]


def test_parts_that_make_up_another_file_are_refused(parted, owner):
    """Each part was what it said, the whole is not."""
    action = offered(parted)
    parts = sent(action)
    swapped = get_session().put(action["header"]["2"], content=BYTES[:PART])
    parts[1]["etag"] = swapped.headers["etag"]

    answer = get_session().post(action["href"], json={"oid": OID, "parts": parts})

    assert (400, True) == (answer.status_code, "another file" in answer.json()["error"])


@pytest.mark.parametrize(("piece", "status"), [(BYTES[: PART - 1], 400), (BYTES[: PART + 1], 413)])
def test_a_part_of_another_length_is_refused(parted, owner, piece, status):
    """A cut part would only be noticed at the end of 5 GiB."""
    assert status == get_session().put(offered(parted)["header"]["1"], content=piece).status_code


def test_the_address_of_one_part_does_for_no_other(parted, owner):
    """Nor does a part's address end an upload, or begin one in another repo."""
    action = offered(parted)
    first = action["header"]["1"]
    forged = [first.replace("/parts/1", "/parts/2"), first.replace("/lfs/1/", "/lfs/2/"), f"{first}0"]

    assert [403] * 3 == [get_session().put(each, content=BYTES[:PART]).status_code for each in forged]
    assert 403 == get_session().post(first.replace("/parts/1", "/parts"), json={}).status_code


def test_parts_of_an_upload_that_never_ended_go_when_their_addresses_have_run_out(parted, owner):
    """A folder of rehearsals must not grow for ever; what can still go on stays."""
    sent(offered(parted))
    (upload,) = (parted._data / "parts").iterdir()
    offered(parted)
    still_there = upload.is_dir()
    os.utime(upload, (0, time.time() - 3601))
    offered(parted)

    assert (True, False) == (still_there, upload.is_dir())


def test_parts_outlive_a_restart_and_old_ones_do_not(tmp_path):
    """What was acknowledged part by part need not be sent again."""
    data = tmp_path / "data"
    with EmbeddedHub(data, parts_from=PART) as hub:
        port = int(hub.url.rsplit(":", 1)[1])
        HfApi(endpoint=hub.url, token=hub.token).create_repo("acme/model")
        action = offered(hub)
        parts = sent(action)
    old = data / "parts/1-old"
    old.mkdir()
    os.utime(old, (0, 0))
    with EmbeddedHub(data, parts_from=PART, port=port):
        answer = get_session().post(action["href"], content=json.dumps({"oid": OID, "parts": parts}))

    assert (200, False) == (answer.status_code, old.exists())
