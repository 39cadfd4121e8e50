"""Parts of files: what a check of a large repo lives on."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from publisher.errors import HubpubError
from publisher.hub.port import Add
from publisher.hub.remote import RemoteHub
from publisher.records.artifacts import RepoRef

Through = Callable[..., RemoteHub]
CONTENT = bytes(range(256)) * 40


@pytest.fixture
def filled(hub: RemoteHub, ref: RepoRef) -> RepoRef:
    """A repo with one large and one small file of the same bytes."""
    state = hub.state(ref)
    assert state is not None
    files = [Add("model.safetensors", CONTENT), Add("config.json", b"{}" + CONTENT)]
    hub.commit(ref, "main", files, title="Write", body="", parent=str(state.head))
    return ref


@pytest.mark.parametrize(("path", "skipped"), [("model.safetensors", 0), ("config.json", 2)])
def test_a_part_of_a_file_is_exactly_the_bytes_that_were_asked_for(
    hub: RemoteHub, filled: RepoRef, path: str, skipped: int
) -> None:
    """An offset that is off by one makes every header look damaged."""
    part = hub.read_range(filled, "main", path, skipped + 300, skipped + 305)
    first = hub.read_range(filled, "main", path, skipped, skipped + 1)

    assert (CONTENT[300:305], b"\0") == (part, first)


def test_a_part_that_goes_beyond_the_end_is_what_there_is(hub: RemoteHub, filled: RepoRef) -> None:
    """A reader of first bytes does not know how long a file is."""
    part = hub.read_range(filled, "main", "model.safetensors", len(CONTENT) - 3, len(CONTENT) + 100)

    assert CONTENT[-3:] == part


@pytest.mark.parametrize("how", ["cut", "close", "503"])
def test_a_part_that_was_lost_on_the_way_is_asked_for_again(
    through: Through, filled: RepoRef, how: str
) -> None:
    """A check of a hundred shards must survive one dropped connection, and never take half a header for a whole."""
    hub = through(("GET", "/resolve/", how))

    assert CONTENT[:4000] == hub.read_range(filled, "main", "model.safetensors", 0, 4000)


def test_a_server_that_hands_out_whole_files_only_is_not_read_from_the_wrong_place(
    through: Through, filled: RepoRef
) -> None:
    """Some proxies drop the Range header; the first bytes are not those that were asked for."""
    hub = through(("GET", "/resolve/", "html"))
    with pytest.raises(HubpubError) as caught:
        hub.read_range(filled, "main", "model.safetensors", 100, 200)

    assert "HP-H06" == caught.value.code
    assert "whole files only" in caught.value.what


def test_a_part_of_a_file_that_is_not_there_is_not_found(hub: RemoteHub, filled: RepoRef) -> None:
    with pytest.raises(HubpubError) as caught:
        hub.read_range(filled, "main", "nowhere.json", 0, 10)

    assert "HP-H04" == caught.value.code
