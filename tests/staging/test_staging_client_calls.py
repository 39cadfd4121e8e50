"""Calls of the unmodified client that a release does not need, and that its users make all the same."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from huggingface_hub import CommitOperationAdd, HfApi
from huggingface_hub.errors import GatedRepoError, HfHubHTTPError
from huggingface_hub.utils import get_session


def status_of(call) -> int:
    with pytest.raises(HfHubHTTPError) as caught:
        call()
    return caught.value.response.status_code


def safetensors(**tensors: int) -> bytes:
    """A real file: float32 tensors of zeros, of so many values each."""
    header, end = {}, 0
    for name, values in tensors.items():
        header[name] = {"dtype": "F32", "shape": [values], "data_offsets": [end, end + 4 * values]}
        end += 4 * values
    written = json.dumps(header).encode()
    return struct.pack("<Q", len(written)) + written + bytes(end)


# -- gated repos -------------------------------------------------------------------------------------------------------


def test_a_request_for_access_is_pending_until_the_owner_accepts_it(hub, alice, bob, repo, tmp_path):
    """And once it is taken back, the files are closed again."""
    alice.update_repo_settings(repo, gated="manual")
    asked = get_session().post(
        f"{hub.url}/{repo}/ask-access", data={"why": "study"}, headers={"Authorization": "Bearer hf_bob"}
    )
    (pending,) = alice.list_pending_access_requests(repo)
    with pytest.raises(GatedRepoError, match="awaiting a review"):
        bob.auth_check(repo)
    alice.accept_access_request(repo, "bob")
    bob.hf_hub_download(repo, ".gitattributes", cache_dir=tmp_path)
    accepted = [each.username for each in alice.list_accepted_access_requests(repo)]
    alice.reject_access_request(repo, "bob", rejection_reason="no longer")
    rejected = [each.username for each in alice.list_rejected_access_requests(repo)]

    assert (200, "bob", {"why": "study"}) == (asked.status_code, pending.username, pending.fields)
    assert (["bob"], ["bob"]) == (accepted, rejected)
    with pytest.raises(GatedRepoError):
        bob.auth_check(repo)


def test_an_automatic_gate_opens_to_whoever_asks(hub, alice, bob, repo):
    """Llama's way, after its form."""
    alice.update_repo_settings(repo, gated="auto")
    get_session().post(f"{hub.url}/{repo}/ask-access", headers={"Authorization": "Bearer hf_bob"})

    bob.auth_check(repo)


def test_access_can_be_granted_without_being_asked_for(alice, bob, repo):
    """Statuses are those that the client's documentation promises."""
    not_gated = status_of(lambda: alice.grant_access(repo, "bob"))
    alice.update_repo_settings(repo, gated="manual")
    alice.grant_access(repo, "bob")
    bob.auth_check(repo)

    (granted,) = alice.list_accepted_access_requests(repo)

    assert ("bob", None) == (granted.username, granted.email)  # only who asks shares an address
    assert 400 == not_gated
    assert 400 == status_of(lambda: alice.grant_access(repo, "bob"))
    assert 404 == status_of(lambda: alice.grant_access(repo, "nobody-here"))
    assert 404 == status_of(lambda: alice.accept_access_request(repo, "carol"))
    assert 404 == status_of(lambda: alice.accept_access_request(repo, "bob"))
    assert 403 == status_of(lambda: bob.grant_access(repo, "bob"))


# -- discussions -------------------------------------------------------------------------------------------------------


def test_a_pull_requests_diff_shows_what_it_changes(alice, repo):
    """What main got meanwhile is not its doing."""
    alice.create_commit(repo, [CommitOperationAdd("a.txt", b"one\n")], commit_message="first")
    proposed = alice.create_commit(
        repo, [CommitOperationAdd("a.txt", b"two\n")], commit_message="second", create_pr=True
    )
    alice.create_commit(repo, [CommitOperationAdd("b.txt", b"other\n")], commit_message="third")

    diff = alice.get_discussion_details(repo, proposed.pr_num).diff

    assert diff.startswith("diff --git a/a.txt b/a.txt\n")
    assert "-one\n+two\n" in diff
    assert "b.txt" not in diff


def test_a_comment_is_edited_by_its_author_and_hidden_for_good(alice, bob, repo):
    """Both come back as the client's own kind of event."""
    talk = bob.create_discussion(repo, "A question", description="why?")
    said = alice.comment_discussion(repo, talk.num, "becuase")
    edited = alice.edit_discussion_comment(repo, talk.num, said.id, "because")
    not_bobs = status_of(lambda: bob.edit_discussion_comment(repo, talk.num, said.id, "nonsense"))
    with pytest.warns(UserWarning, match="irreversible"):
        hidden = alice.hide_discussion_comment(repo, talk.num, said.id)
    renamed = alice.rename_discussion(repo, talk.num, "An answered question")
    closed = bob.change_discussion_status(repo, talk.num, "closed")

    assert ("because", True, 1) == (edited.content, edited.edited, edited.number_of_edits)
    assert 403 == not_bobs
    assert (True, False) == (hidden.hidden, "because" in hidden.content)
    assert ("A question", "An answered question") == (renamed.old_title, renamed.new_title)
    assert "closed" == closed.new_status


def test_many_discussions_come_page_by_page(alice, repo):
    """The client asks until it has as many as were counted."""
    for number in range(53):
        alice.create_discussion(repo, f"number {number}")
    alice.change_discussion_status(repo, 7, "closed")

    assert [*range(53, 0, -1)] == [each.num for each in alice.get_repo_discussions(repo)]
    assert [7] == [each.num for each in alice.get_repo_discussions(repo, discussion_status="closed")]


# -- large files and copies --------------------------------------------------------------------------------------------


def test_large_files_are_listed_and_deleted_from_all_history(alice, repo, git_of):
    """A secret pushed by mistake: gone from the branch, the tag and the disk; what else there was stays."""
    alice.create_commit(repo, [CommitOperationAdd("keep.bin", os.urandom(500))], commit_message="keep")
    alice.create_commit(repo, [CommitOperationAdd("secret.bin", os.urandom(600))], commit_message="oops")
    alice.create_tag(repo, tag="v1", tag_message="with it")
    stored = {each.filename: each for each in alice.list_lfs_files(repo)}
    alice.permanently_delete_lfs_files(repo, [stored["secret.bin"]])

    assert {"keep.bin": 500, "secret.bin": 600} == {name: each.size for name, each in stored.items()}
    assert ["keep.bin"] == [each.filename for each in alice.list_lfs_files(repo)]
    assert "secret.bin" not in alice.list_repo_files(repo, revision="v1")
    assert ["oops", "keep", "initial commit"] == [each.title for each in alice.list_repo_commits(repo)]
    assert "with it" in git_of(repo, "tag", "-n", "-l")
    assert "" == git_of(repo, "fsck", "--full", "--no-dangling", "--no-progress")


def test_a_repo_is_duplicated_with_its_history_and_large_files(alice, bob, repo, git_of, tmp_path):
    """Nothing is sent again, and the copy outlives the original."""
    weights = os.urandom(400)
    head = alice.create_commit(repo, [CommitOperationAdd("w.bin", weights)], commit_message="add").oid
    name = f"bob/copy-of-{repo.split('/')[1]}"
    made = bob.duplicate_repo(repo, name, private=True)
    conflict = status_of(lambda: bob.duplicate_repo(repo, name))
    again = bob.duplicate_repo(repo, name, exist_ok=True)
    alice.delete_repo(repo)

    assert (name, name, 409) == (made.repo_id, again.repo_id, conflict)
    assert (head, True) == (bob.model_info(name).sha, bob.model_info(name).private)
    assert weights == Path(bob.hf_hub_download(name, "w.bin", cache_dir=tmp_path)).read_bytes()
    assert "" == git_of(name, "fsck", "--full", "--no-dangling", "--no-progress")


def test_tensors_are_read_from_ranges_of_the_files(alice, repo):
    """Without a download of the weights."""
    shards = {
        "model-00001-of-00002.safetensors": safetensors(a=3, b=5),
        "model-00002-of-00002.safetensors": safetensors(c=200_000),
    }
    first, second = shards
    weight_map = {"a": first, "b": first, "c": second}
    index = {"metadata": {"total_size": 800_032}, "weight_map": weight_map}
    files = {**shards, "model.safetensors.index.json": json.dumps(index).encode()}
    alice.create_commit(
        repo, [CommitOperationAdd(path, data) for path, data in files.items()], commit_message="shards"
    )

    read = alice.get_safetensors_metadata(repo)
    at_once = alice.get_sharded_safetensors_metadata(repo)

    assert (True, {"F32": 200_008}, weight_map) == (read.sharded, read.parameter_count, read.weight_map)
    assert read == at_once


def test_headers_are_read_at_once_only_of_what_is_an_index_of_shards(alice, repo):
    """Of a subfolder too; what is missing and what is damaged are two errors."""
    index = json.dumps({"metadata": {"a": 1}, "weight_map": {"a": "one.safetensors"}}).encode()
    files = {
        "sub/model.index.json": index,
        "sub/one.safetensors": safetensors(a=2),
        "damaged.index.json": json.dumps({"weight_map": {"a": "damaged.safetensors"}}).encode(),
        "damaged.safetensors": b"not one",
        "missing.index.json": index,
        "config.json": b"{}",
    }
    alice.create_commit(
        repo, [CommitOperationAdd(path, data) for path, data in files.items()], commit_message="files"
    )

    def headers(path: str) -> object:
        return alice.get_sharded_safetensors_metadata(repo, filename=path)

    read = headers("sub/model.index.json")

    assert ({"a": 1}, {"F32": 2}) == (read.metadata, read.parameter_count)
    assert 404 == status_of(lambda: headers("nothing.json"))
    assert 404 == status_of(lambda: headers("missing.index.json"))
    assert 400 == status_of(lambda: headers("damaged.index.json"))
    assert 400 == status_of(lambda: headers("config.json"))


# -- looking -----------------------------------------------------------------------------------------------------------


def test_repos_are_listed_by_owner_words_tags_and_age(alice, bob, nobody, repo):
    """And page by page, a stranger seeing fewer."""
    word = f"zebra{repo.split('-')[1]}"
    names = [f"alice/{word}-{letter}" for letter in "abc"]
    for name in names:
        alice.create_repo(name, private=name.endswith("c"))
    alice.update_repo_settings(names[1], gated="auto")
    card = b"---\nlicense: mit\ntags: [striped]\n---\n# Zebra\n"
    alice.create_commit(names[0], [CommitOperationAdd("README.md", card)], commit_message="card")

    def listed(api: HfApi, **query: object) -> list[str]:
        return [each.id for each in api.list_models(search=word, **query)]

    assert names == listed(alice)
    assert names[:2] == listed(nobody)
    assert [] == listed(alice, author="bob")
    assert [names[0]] == listed(alice, author="alice", filter=["striped", "license:mit"])
    assert [names[1]] == listed(alice, gated=True)
    assert names[:2] == listed(alice, limit=2)
    assert [names[2], names[1], names[0]] == listed(alice, sort="created_at")
    assert [] == list(alice.list_datasets(search=word))
    (full,) = alice.list_models(search=names[0], full=True, cardData=True)
    assert ("mit", True) == (full.card_data.license, bool(full.siblings))


def test_the_properties_of_a_repo_that_are_asked_for_are_told(alice, repo):
    """And only they."""
    alice.upload_file(repo_id=repo, path_in_repo="w.bin", path_or_fileobj=os.urandom(700))
    info = alice.model_info(repo, expand=["usedStorage", "siblings", "gated"])

    assert (700, False, None) == (info.used_storage, info.gated, info.sha)
    assert {".gitattributes", "w.bin"} == {each.rfilename for each in info.siblings}
    assert alice.repo_exists(repo)
    assert not alice.repo_exists(f"{repo}-not")
    assert alice.file_exists(repo, "w.bin")
    assert not alice.file_exists(repo, "v.bin")
    assert not alice.revision_exists(repo, "v9")


def test_a_missing_repo_is_401_to_nobody_and_404_to_somebody(hub, bob):
    """As the real Hub answers; the client makes the same error of both."""
    answers = [
        get_session().get(f"{hub.url}/api/models/alice/absent", headers=headers)
        for headers in ({}, {"Authorization": "Bearer hf_bob"})
    ]

    assert [(401, "RepoNotFound"), (404, "RepoNotFound")] == [
        (each.status_code, each.headers["X-Error-Code"]) for each in answers
    ]


def test_an_owner_sees_how_much_room_each_repo_takes(alice, bob, repo):
    """`hf repos list` asks for it."""
    alice.upload_file(repo_id=repo, path_in_repo="w.bin", path_or_fileobj=os.urandom(700))
    mine = {each.id: each for each in alice.list_user_repos()}

    assert (700, "public", "model") == (mine[repo].storage, mine[repo].visibility, mine[repo].type)
    assert 403 == status_of(lambda: list(bob.list_user_repos(namespace="acme")))


# -- the hf command ----------------------------------------------------------------------------------------------------


@pytest.fixture
def hf(hub, tmp_path):
    """Run `hf` as alice, as a user would."""

    def run(*arguments: str) -> str:
        environment = {
            **os.environ,
            "HF_ENDPOINT": hub.url,
            "HF_TOKEN": "hf_alice",
            "HF_HOME": str(tmp_path / "hf"),
            "HF_HUB_DISABLE_XET": "1",
        }
        done = subprocess.run(
            [str(Path(sys.executable).parent / "hf"), *arguments],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert 0 == done.returncode, (arguments, done.stdout, done.stderr)
        return done.stdout

    return run


def test_the_hf_command_works_on_a_repo_from_its_making_to_its_end(
    hf, alice, repo, folder, tmp_path, contents
):
    """What users type by hand must work too, with nothing but HF_ENDPOINT set."""
    name = f"{repo}-by-hand"
    hf("repos", "create", name, "--private")
    hf("upload", name, str(folder), ".", "--commit-message", "by hand")
    hf("repos", "tag", "create", name, "v1", "-m", "first")
    hf("repos", "branch", "create", name, "side")
    hf("repos", "settings", name, "--gated", "auto", "--public")
    hf("download", name, "--revision", "v1", "--local-dir", str(tmp_path / "back"))
    shown = json.loads(hf("models", "info", name, "--json"))
    listed = hf("models", "list", "--search", name, "-q")
    tags = hf("repos", "tag", "list", name, "-q")
    hf("discussions", "create", name, "--title", "Bug report", "--body", "it is one")
    talk = json.loads(hf("discussions", "list", name, "--json"))
    hf("repos", "duplicate", name, f"{name}-copy")
    hf("repos", "move", f"{name}-copy", f"{name}-moved")
    hf("cp", f"hf://{name}/model.safetensors", f"hf://{name}-moved/again.safetensors")
    copied = alice.get_paths_info(f"{name}-moved", ["model.safetensors", "again.safetensors"])
    checked = hf("cache", "verify", name, "--revision", "v1", "--local-dir", str(tmp_path / "back"))
    me = hf("auth", "whoami")
    hf("repos", "delete-files", f"{name}-moved", "config.json")
    left = alice.list_repo_files(f"{name}-moved")
    hf("repos", "delete", f"{name}-moved", "--yes")

    sent = contents(folder)
    assert sent == {path: data for path, data in contents(tmp_path / "back").items() if path in sent}
    assert (name, False, "auto") == (shown["id"], shown["private"], shown["gated"])
    assert name in listed
    assert "alice" in me
    assert str(len(sent) + 1) in checked
    assert 1 == len({each.lfs.sha256 for each in copied})
    assert "v1" in tags
    assert ["Bug report"] == [each["title"] for each in talk]
    assert "config.json" not in left
    assert not alice.repo_exists(f"{name}-moved")
