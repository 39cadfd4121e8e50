"""What networks do: the relay in front of the embedded Hub fails the request that a test names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from publisher.errors import HubpubError
from publisher.hub.port import Add
from publisher.hub.remote import RemoteHub
from publisher.records.artifacts import RepoRef

Through = Callable[..., RemoteHub]


@pytest.mark.parametrize("how", ["429", "503"])
def test_a_hub_that_asks_to_wait_is_given_the_time_it_asks_for(
    through: Through, ref: RepoRef, waits: object, how: str
) -> None:
    """Trying sooner than asked makes a rate limit last longer."""
    hub = through(("GET", "/api/models/", how, 2))

    assert hub.state(ref) is not None
    assert [7.0, 7.0] == waits.seconds  # type: ignore[attr-defined]


def test_a_rate_limit_that_stays_ends_in_a_refusal(through: Through, ref: RepoRef) -> None:
    """Five attempts, then the user hears what the Hub said."""
    hub = through(("GET", "/api/models/", "429", 99))
    with pytest.raises(HubpubError) as caught:
        hub.state(ref)

    assert ("HP-H06", True) == (caught.value.code, "429" in caught.value.what)


def test_a_connection_that_is_closed_without_an_answer_is_tried_again(
    through: Through, ref: RepoRef, waits: object
) -> None:
    """Every idempotent call survives one dropped connection."""
    hub = through(
        ("GET", f"/api/models/{ref.repo_id}", "close"),
        ("GET", "/refs", "close"),
        ("GET", "/commits/", "close"),
        ("POST", "/branch/", "close"),
        ("DELETE", "/branch/", "close"),
        ("POST", "/tag/", "close"),
        ("PUT", "/settings", "close"),
    )
    state = hub.state(ref)
    assert state is not None
    assert state.head is not None
    hub.commits(ref, "main")
    hub.create_branch(ref, "aside", at=state.head)
    hub.delete_branch(ref, "aside")
    hub.create_tag(ref, "v1.0.0", at=state.head, message="proof")
    hub.set_visibility(ref, private=False)
    after = hub.state(ref)

    assert after is not None
    assert (False, {"main": state.head}, {"v1.0.0": state.head}) == (
        after.private,
        after.branches,
        after.tags,
    )


@pytest.mark.parametrize("what", ["branch", "tag"])
def test_a_branch_or_tag_whose_answer_was_lost_is_there_once_and_no_error(
    through: Through, ref: RepoRef, what: str
) -> None:
    """The second attempt finds what the first one made."""
    hub = through(("POST", f"/{what}/", "lost"))
    state = hub.state(ref)
    assert state is not None
    assert state.head is not None
    if what == "branch":
        hub.create_branch(ref, "aside", at=state.head)
    else:
        hub.create_tag(ref, "v1.0.0", at=state.head, message="proof")
    after = hub.state(ref)

    assert after is not None
    assert state.head == {**after.branches, **after.tags}["aside" if what == "branch" else "v1.0.0"]


def test_a_body_that_ends_early_is_a_fault_and_never_a_short_file(
    through: Through, hub: RemoteHub, ref: RepoRef, large: Path
) -> None:
    """Verification would otherwise call half a file a file with other bytes."""
    state = hub.state(ref)
    assert state is not None
    assert state.head is not None
    hub.commit(ref, "main", [Add("model.safetensors", large)], title="Add", body="", parent=state.head)
    cut = through(("GET", "/resolve/", "cut"))
    with pytest.raises(HubpubError) as caught:
        list(cut.read(ref, "main", "model.safetensors"))

    assert ("HP-H01", True) == (caught.value.code, caught.value.data["passing"])
    assert large.read_bytes() == b"".join(cut.read(ref, "main", "model.safetensors"))


def test_a_listing_that_is_cut_short_is_asked_for_again(through: Through, ref: RepoRef) -> None:
    """A plan made on half a listing would upload what is there already."""
    hub = through(("GET", "/tree/", "cut"))

    assert [".gitattributes"] == [file.path for file in hub.tree(ref, "main")]


def test_a_page_instead_of_an_answer_is_said_to_be_no_hub(through: Through) -> None:
    """A login page of a network, or a mistyped address that somebody else serves, is no bug of ours."""
    hub = through(("GET", "whoami", "html"))
    with pytest.raises(HubpubError) as caught:
        hub.account()

    assert ("HP-H06", "not JSON") == (caught.value.code, caught.value.what[14:22])


def test_an_upload_that_breaks_is_a_network_fault_with_its_cause(
    through: Through, ref: RepoRef, large: Path
) -> None:
    """The client wraps it in an error of its own, from which nobody could tell that trying again helps."""
    hub = through(("PUT", "/lfs/", "close", 99))
    state = hub.state(ref)
    assert state is not None
    assert state.head is not None
    with pytest.raises(HubpubError) as caught:
        hub.commit(ref, "main", [Add("model.safetensors", large)], title="Add", body="", parent=state.head)

    assert ("HP-H01", True) == (caught.value.code, caught.value.data["passing"])


def test_a_commit_whose_answer_is_lost_is_not_sent_a_second_time_by_the_port(
    through: Through, ref: RepoRef, relay: object
) -> None:
    """Whether it was made is for the caller to look up: a blind second attempt might be a second commit."""
    hub = through(("POST", "/commit/", "lost"))
    state = hub.state(ref)
    assert state is not None
    assert state.head is not None
    with pytest.raises(HubpubError) as caught:
        hub.commit(ref, "main", [Add("a.txt", b"a")], title="Add", body="", parent=state.head)
    sent = [path for method, path in relay.seen if method == "POST" and "/commit/" in path]  # type: ignore[attr-defined]

    assert ("HP-H01", 1, 2) == (caught.value.code, len(sent), len(hub.commits(ref, "main")))
