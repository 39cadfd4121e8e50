"""The port over the unmodified client, against the embedded Hub."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from publisher.errors import HubpubError
from publisher.hub.port import Add, Copy, Delete
from publisher.hub.remote import RemoteHub
from publisher.records.artifacts import RepoRef
from publisher.staging.server import EmbeddedHub

MISSING = RepoRef("alice/never-made")


def code_of(caught: pytest.ExceptionInfo[HubpubError]) -> str:
    return caught.value.code


def head_of(hub: RemoteHub, ref: RepoRef) -> str:
    state = hub.state(ref)
    assert state is not None
    assert state.head is not None
    return state.head


def write(hub: RemoteHub, ref: RepoRef, *operations: Add | Copy | Delete, branch: str = "main") -> str:
    state = hub.state(ref)
    assert state is not None
    return hub.commit(
        ref, branch, operations, title="Write", body="why it was written", parent=state.branches[branch]
    )


def test_the_account_is_the_token_s_holder_and_their_organisations(embedded: EmbeddedHub) -> None:
    """Preflight tells from this whether the owner of a manifest is one of ours."""
    account = RemoteHub(embedded.url, "hf_alicewrites", "local").account()

    assert ("alice", ("acme",)) == (account.name, account.organisations)


def test_a_new_repo_is_private_and_has_one_branch_and_no_tag(hub: RemoteHub, ref: RepoRef) -> None:
    """Everything is created private; only promotion shows it."""
    state = hub.state(ref)

    assert state is not None
    assert (True, False, {"main": state.head}, {}) == (state.private, state.gated, state.branches, state.tags)


def test_a_repo_that_is_not_there_is_none_and_no_error(hub: RemoteHub) -> None:
    """The plan creates what is not there."""
    assert hub.state(MISSING) is None


def test_creating_twice_leaves_the_first_as_it_is(hub: RemoteHub, ref: RepoRef) -> None:
    """A creation whose answer was lost is asked for again."""
    head = head_of(hub, ref)
    hub.create(ref, private=False)

    assert (head, True) == (head_of(hub, ref), hub.state(ref).private)  # type: ignore[union-attr]


def test_a_commit_s_files_are_listed_sorted_with_their_digests(
    hub: RemoteHub, ref: RepoRef, large: Path
) -> None:
    """The plan compares large files by sha256 and small ones by git's blob id."""
    import hashlib

    commit = write(hub, ref, Add("z/notes.txt", b"notes"), Add("model.safetensors", large))
    listed = {file.path: file for file in hub.tree(ref, commit)}
    blob = hashlib.sha1(b"blob 5\0notes", usedforsecurity=False).hexdigest()

    assert [".gitattributes", "model.safetensors", "z/notes.txt"] == list(listed)
    assert (blob, None) == (listed["z/notes.txt"].blob_id, listed["z/notes.txt"].sha256)
    assert hashlib.sha256(large.read_bytes()).hexdigest() == listed["model.safetensors"].sha256
    assert large.stat().st_size == listed["model.safetensors"].size


def test_what_is_read_is_what_was_written(hub: RemoteHub, ref: RepoRef, large: Path) -> None:
    """Large and small, at a commit and on a branch with a slash in its name."""
    hub.create_branch(ref, "hubpub/v1.0.0", at=head_of(hub, ref))
    write(hub, ref, Add("model.safetensors", large), Add("a b/ä.txt", "ä".encode()), branch="hubpub/v1.0.0")

    assert large.read_bytes() == b"".join(hub.read(ref, "hubpub/v1.0.0", "model.safetensors"))
    assert "ä".encode() == b"".join(hub.read(ref, "hubpub/v1.0.0", "a b/ä.txt"))


def test_a_dataset_is_another_repo_than_a_model_of_the_same_name(hub: RemoteHub, ref: RepoRef) -> None:
    """The Hub keeps them apart, and so do all calls of the port."""
    data = RepoRef(ref.repo_id, "dataset")
    hub.create(data, private=True)
    commit = write(hub, data, Add("rows.txt", b"1"))

    assert b"1" == b"".join(hub.read(data, commit, "rows.txt"))
    assert [".gitattributes"] == [file.path for file in hub.tree(ref, "main")]


def test_one_commit_adds_copies_and_deletes_and_says_when_files_have_arrived(
    hub: RemoteHub, ref: RepoRef, large: Path
) -> None:
    """Promotion is one commit or none."""
    arrived: list[tuple[int, bool]] = []
    start = head_of(hub, ref)
    hub.create_branch(ref, "aside", at=start)
    staged = hub.commit(
        ref,
        "aside",
        [Add("model.safetensors", large), Add("config.json", b"{}")],
        title="Stage",
        body="",
        parent=start,
        on_bytes=lambda size, known: arrived.append((size, known)),
    )
    write(hub, ref, Add("old.txt", b"old"))
    made = write(
        hub,
        ref,
        Copy("model.safetensors", staged),
        Copy("config.json", staged),
        Add("new.txt", b"new"),
        Delete("old.txt"),
    )
    history = hub.commits(ref, "main")

    assert {(large.stat().st_size, False), (2, False)} == set(arrived)
    assert {".gitattributes", "model.safetensors", "config.json", "new.txt"} == {
        file.path for file in hub.tree(ref, made)
    }
    assert (3, made, "Write", "why it was written") == (
        len(history),
        history[0].id,
        history[0].title,
        history[0].message.strip(),
    )


def test_bytes_are_counted_as_they_leave_and_those_that_the_hub_has_are_told_apart(
    hub: RemoteHub, ref: RepoRef, tmp_path: Path
) -> None:
    """A bar that jumps from nothing to 24 GB tells nothing; one that counts what was never sent lies."""
    weights, same = tmp_path / "a.safetensors", tmp_path / "b.safetensors"
    weights.write_bytes(bytes(range(256)) * 20_000)
    same.write_bytes(weights.read_bytes())
    heard: list[tuple[int, bool]] = []
    hub.commit(
        ref,
        "main",
        [Add("a.safetensors", weights), Add("b.safetensors", same), Add("config.json", b"{}")],
        title="Stage",
        body="",
        parent=head_of(hub, ref),
        on_bytes=lambda size, known: heard.append((size, known)),
    )
    sent = [size for size, known in heard if not known]

    assert (5_120_000 + 2, [5_120_000]) == (sum(sent), [size for size, known in heard if known])
    assert 10 < len(sent)


def test_a_commit_on_a_branch_that_has_moved_is_refused(hub: RemoteHub, ref: RepoRef) -> None:
    """The parent is the guard that nobody's push is overwritten."""
    before = head_of(hub, ref)
    theirs = write(hub, ref, Add("theirs.txt", b"theirs"))
    with pytest.raises(HubpubError) as caught:
        hub.commit(ref, "main", [Add("theirs.txt", b"ours")], title="Ours", body="", parent=before)

    assert ("HP-H05", theirs) == (code_of(caught), head_of(hub, ref))


def test_a_branch_goes_once_and_going_twice_is_no_fault(hub: RemoteHub, ref: RepoRef) -> None:
    """A deletion whose answer was lost is asked for again."""
    hub.create_branch(ref, "aside", at=head_of(hub, ref))
    hub.delete_branch(ref, "aside")
    hub.delete_branch(ref, "aside")

    assert ["main"] == list(hub.state(ref).branches)  # type: ignore[union-attr]


def test_a_tag_is_annotated_stays_where_it_is_and_is_refused_elsewhere(
    hub: RemoteHub, ref: RepoRef, embedded: EmbeddedHub
) -> None:
    """A tag names what was proven, for good."""
    import subprocess

    first = head_of(hub, ref)
    hub.create_tag(ref, "v1.0.0", at=first, message="proof: run")
    hub.create_tag(ref, "v1.0.0", at=first, message="proof: run")
    second = write(hub, ref, Add("more.txt", b"more"))
    with pytest.raises(HubpubError) as caught:
        hub.create_tag(ref, "v1.0.0", at=second, message="proof: run")
    (folder,) = (embedded._data / "repos").glob(f"*--{ref.repo_id.replace('/', '--')}--*.git")
    kept = subprocess.run(
        ["git", "-C", str(folder), "cat-file", "tag", "v1.0.0"], capture_output=True, text=True, check=True
    )

    assert ("HP-H05", {"v1.0.0": first}) == (code_of(caught), hub.state(ref).tags)  # type: ignore[union-attr]
    assert "proof: run" in kept.stdout


def test_visibility_goes_both_ways(hub: RemoteHub, ref: RepoRef) -> None:
    """The last step of a public release, and the way back."""
    hub.set_visibility(ref, private=False)
    shown = hub.state(ref)
    hub.set_visibility(ref, private=True)

    assert (False, True) == (shown.private, hub.state(ref).private)  # type: ignore[union-attr]


def test_a_collection_is_found_again_by_its_title_and_holds_each_repo_once(
    hub: RemoteHub, ref: RepoRef, embedded: EmbeddedHub
) -> None:
    """A resumed release must not leave two collections, or a repo in one twice."""
    from huggingface_hub import HfApi

    first = hub.add_to_collection("alice", f"Family of {ref.repo_id}", [ref])
    second = hub.add_to_collection("alice", f"Family of {ref.repo_id}", [ref])
    items = HfApi(endpoint=embedded.url, token=embedded.token).get_collection(first).items

    assert first == second
    assert [ref.repo_id] == [item.item_id for item in items]


@pytest.mark.parametrize("token", [None, "hf_nobodysToken0"])
def test_without_a_valid_token_nobody_is_asked_twice(
    embedded: EmbeddedHub, token: str | None, waits: object
) -> None:
    """HP-H02 is what preflight says before an hour of training."""
    with pytest.raises(HubpubError) as caught:
        RemoteHub(embedded.url, token, "local").account()

    assert "HP-H02" == code_of(caught)
    assert "--hub local" in caught.value.hint
    assert [] == waits.seconds  # type: ignore[attr-defined]


def test_a_token_that_may_only_read_is_told_apart_from_no_token(embedded: EmbeddedHub, ref: RepoRef) -> None:
    """Another token is what helps, not another login."""
    with pytest.raises(HubpubError) as caught:
        write(RemoteHub(embedded.url, "hf_alicereads", "local"), ref, Add("a.txt", b"a"))

    assert "HP-H03" == code_of(caught)


def test_a_missing_repo_revision_or_file_is_one_code(hub: RemoteHub, ref: RepoRef) -> None:
    """Whether it is absent or hidden cannot be told, and the message says so."""
    codes = []
    for ask in (
        lambda: hub.tree(MISSING, "main"),
        lambda: hub.state(RepoRef("a/b/c")) or hub.tree(RepoRef("a/b/c"), "main"),
        lambda: hub.commits(ref, "no-such-branch"),
        lambda: list(hub.read(ref, "main", "no-such-file")),
        lambda: list(hub.read(ref, "no-such-branch", ".gitattributes")),
    ):
        with pytest.raises(HubpubError) as caught:
            ask()
        codes.append(code_of(caught))

    assert ["HP-H04"] * 5 == codes


def test_a_readme_that_the_hub_refuses_is_a_refusal_with_the_hub_s_reason(
    hub: RemoteHub, ref: RepoRef
) -> None:
    """The reason is what the author needs; trying again would not help."""
    with pytest.raises(HubpubError) as caught:
        write(hub, ref, Add("README.md", b"---\nlicense: other\n---\n# Card\n"))

    assert ("HP-H06", None) == (code_of(caught), caught.value.data.get("passing"))
    assert "license_name" in caught.value.what


def test_a_port_that_nobody_listens_on_is_unreachable_after_five_attempts(waits: object) -> None:
    """A Hub that restarts is waited for; one that is gone ends in exit 3."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(HubpubError) as caught:
        RemoteHub(address, "hf_sometoken000", "x").state(MISSING)

    assert ("HP-H01", 3) == (code_of(caught), caught.value.exit_code)
    assert [1.0, 2.0, 4.0, 8.0] == waits.seconds  # type: ignore[attr-defined]


def test_a_mistyped_address_is_told_at_once(waits: object) -> None:
    """The first question to a Hub is who we are; nobody should wait 15 s for a typo."""
    with pytest.raises(HubpubError) as caught:
        RemoteHub("http://127.0.0.1:9", "hf_sometoken000", "x").account()

    assert ("HP-H01", []) == (code_of(caught), waits.seconds)  # type: ignore[attr-defined]


def test_no_token_shows_in_a_representation_or_a_message(embedded: EmbeddedHub, ref: RepoRef) -> None:
    """Messages end in logs, and logs in bug reports."""
    token = "hf_veryverySecret00"
    hub = RemoteHub(embedded.url, token, "local")
    told = [repr(hub), str(hub)]
    for ask in (hub.account, lambda: hub.tree(ref, "main"), lambda: hub.create(MISSING, private=True)):
        with pytest.raises(HubpubError) as caught:
            ask()
        fault = caught.value
        told += [str(fault), fault.what, fault.hint, str(fault.where), repr(fault.data)]

    assert not [text for text in told if token in text]


@pytest.mark.parametrize("token", ["secret\n", "two words", "sëcret"])
def test_a_token_that_no_header_can_carry_is_refused_without_showing_it(token: str) -> None:
    """A line break from a secrets file is the usual cause; the client's own message would print the token."""
    with pytest.raises(HubpubError) as caught:
        RemoteHub("http://127.0.0.1:9", token, "x")

    assert "HP-H02" == code_of(caught)
    assert token.strip() not in str(caught.value)


def test_loopback_is_told_by_what_the_name_resolves_to() -> None:
    """Stand-in weights go to this machine only, whatever the address is called."""
    there = [RemoteHub(a, None, "x").on_this_machine for a in ("http://127.0.0.1:1", "http://[::1]:1")]

    assert [True, True] == there
    assert not RemoteHub("http://192.0.2.1", None, "x").on_this_machine
    assert not RemoteHub("http://no-such-name.invalid", None, "x").on_this_machine
