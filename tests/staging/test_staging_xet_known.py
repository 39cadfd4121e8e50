"""What Xet clients have sent is not sent again, whoever sends it next; and what is deleted is not kept for that."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import CommitOperationAdd, HfApi, constants
from huggingface_hub.errors import HfHubHTTPError

from publisher.staging import xet
from publisher.staging.server import EmbeddedHub

pytestmark = pytest.mark.skipif(not xet.is_available(), reason="no hf_xet of a version that was tried")

MEGABYTE = 1_000_000


@pytest.fixture(autouse=True)
def _with_xet(_without_xet: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", False)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """The data of a Hub of the test's own."""
    return tmp_path / "data"


@pytest.fixture
def own(place: Path) -> Iterator[EmbeddedHub]:
    with EmbeddedHub(place) as running:
        yield running


def api_of(hub: EmbeddedHub) -> HfApi:
    return HfApi(endpoint=hub.url, token=hub.token)


def send(api: HfApi, repo: str, content: bytes) -> None:
    """One commit with one file, which travels by its path as weights do."""
    api.create_repo(repo, exist_ok=True)
    api.create_commit(repo, [CommitOperationAdd("w.safetensors", content)], commit_message="w")


def sent(place: Path) -> int:
    """Bytes of all chunks that ever came; a link to another's counts for nothing."""
    found = (file.stat() for folder in ("xet", "xet-known") for file in (place / folder).rglob("default.*"))
    return sum({each.st_ino: each.st_size for each in found}.values())


def bytes_of(seed: int) -> bytes:
    return random.Random(seed).randbytes(4 * MEGABYTE)


def test_a_file_with_a_changed_middle_costs_its_middle(own, place):
    """Also in another repo: that is what makes a merged model cheap beside its base."""
    first = bytes_of(1)
    second = first[: 2 * MEGABYTE] + random.Random(2).randbytes(MEGABYTE // 2) + first[5 * MEGABYTE // 2 :]
    send(api_of(own), "owner/base", first)
    before = sent(place)
    send(api_of(own), "owner/merged", second)
    served = api_of(own).hf_hub_download("owner/merged", "w.safetensors", local_dir=place.parent / "back")

    assert MEGABYTE // 2 <= sent(place) - before <= MEGABYTE
    assert second == Path(served).read_bytes()


def test_what_is_known_outlives_the_server(place):
    """Each command may start the Hub anew; without this, every one of them would send everything."""
    with EmbeddedHub(place) as first:
        send(api_of(first), "owner/base", bytes_of(3))
    before = sent(place)
    with EmbeddedHub(place) as second:
        send(api_of(second), "owner/copy", bytes_of(3) + b"!")

        assert sent(place) - before < MEGABYTE


@pytest.mark.parametrize("how", ["repo", "file"])
def test_deleted_bytes_are_not_kept_to_be_lent(own, place, how):
    """Who deletes weights for good means their chunks as well."""
    api = api_of(own)
    send(api, "owner/base", bytes_of(4))
    known = list((place / "xet-known").rglob("default.*"))
    if how == "repo":
        api.delete_repo("owner/base")
    else:
        api.permanently_delete_lfs_files("owner/base", list(api.list_lfs_files("owner/base")))

    assert known
    assert [] == list(place.glob("xet-known"))


def test_damage_in_what_is_known_costs_one_upload_and_not_the_repo(own, place):
    """After a crash of the machine a chunk may lack its bytes: told once, and sent again with the next attempt."""
    api = api_of(own)
    send(api, "owner/base", bytes_of(5))
    for xorb in (place / "xet-known").rglob("default.*"):
        if xorb.suffix != ".tagset":
            xorb.write_bytes(bytes(xorb.stat().st_size))
    with pytest.raises(HfHubHTTPError, match=r"cannot be put together|make up another file"):
        send(api, "owner/copy", bytes_of(5) + b"!")
    send(api, "owner/copy", bytes_of(5) + b"!")

    assert ["w.safetensors"] == [
        file for file in api.list_repo_files("owner/copy") if file.endswith(".safetensors")
    ]
