"""Commits: one or none, guarded by their parent, safe against what no repo may hold."""

from __future__ import annotations

import base64
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from huggingface_hub import CommitOperationAdd, CommitOperationCopy, CommitOperationDelete
from huggingface_hub.errors import HfHubHTTPError, RemoteEntryNotFoundError, RevisionNotFoundError
from huggingface_hub.utils import get_session


def post_commit(hub, repo, *operations, summary="by hand"):
    """Send operations that the client would never send."""
    header = {"key": "header", "value": {"summary": summary, "description": ""}}
    body = "\n".join(json.dumps(line) for line in (header, *operations))
    headers = {"Authorization": "Bearer hf_alice", "Content-Type": "application/x-ndjson"}
    return get_session().post(f"{hub.url}/api/models/{repo}/commit/main", content=body, headers=headers)


def file(path, content=b"x"):
    return {
        "key": "file",
        "value": {"path": path, "content": base64.b64encode(content).decode(), "encoding": "base64"},
    }


def tree(api, repo, revision="main"):
    return {
        entry.path: (entry.blob_id, entry.lfs.sha256 if entry.lfs else None)
        for entry in api.list_repo_tree(repo, recursive=True, revision=revision)
        if hasattr(entry, "blob_id")
    }


def test_a_commit_on_a_head_that_moved_is_412_and_changes_nothing(alice, repo):
    """Someone else's push between plan and promotion is never overwritten."""
    before = alice.model_info(repo).sha
    after = alice.upload_file(repo_id=repo, path_in_repo="theirs.txt", path_or_fileobj=b"theirs").oid

    with pytest.raises(HfHubHTTPError) as caught:
        alice.create_commit(
            repo, [CommitOperationAdd("ours.txt", b"ours")], commit_message="ours", parent_commit=before
        )

    assert 412 == caught.value.response.status_code
    assert after == alice.model_info(repo).sha


def test_of_many_commits_on_one_parent_exactly_one_is_made(alice, repo):
    """Two releases at the same moment: one wins, the others hear of it."""
    head = alice.model_info(repo).sha

    def commit(number: int) -> int:
        try:
            alice.create_commit(
                repo,
                [CommitOperationAdd(f"{number}.txt", b"x")],
                commit_message=str(number),
                parent_commit=head,
            )
        except HfHubHTTPError as error:
            return error.response.status_code
        return 200

    with ThreadPoolExecutor(6) as pool:
        answers = sorted(pool.map(commit, range(6)))

    assert [200, 412, 412, 412, 412, 412] == answers
    assert 2 == len(alice.list_repo_commits(repo))


def test_commits_that_name_no_parent_queue_up_and_none_is_lost(alice, repo):
    """What was acknowledged is in the history."""

    def commit(number: int) -> str:
        operations = [CommitOperationAdd(f"{number}.txt", b"x")]
        return alice.create_commit(repo, operations, commit_message=str(number)).oid

    with ThreadPoolExecutor(6) as pool:
        made = set(pool.map(commit, range(12)))

    assert made < {each.commit_id for each in alice.list_repo_commits(repo)}
    assert 13 == len(alice.list_repo_files(repo))


def test_promotion_is_one_commit_with_the_staged_tree_and_no_bytes_sent(
    alice, repo, folder, data, monkeypatch
):
    """The very calls of a release: stage on a branch in two commits, copy to main in one."""
    head = alice.model_info(repo).sha
    alice.create_branch(repo, branch="hubpub/v1.0.0")
    alice.upload_folder(
        repo_id=repo, folder_path=folder, revision="hubpub/v1.0.0", allow_patterns=["*.safetensors"]
    )
    staged = alice.upload_folder(repo_id=repo, folder_path=folder, revision="hubpub/v1.0.0").oid
    before = sorted((path, path.stat().st_mtime_ns) for path in (data / "lfs").rglob("*"))

    paths = list(tree(alice, repo, staged))
    promoted = alice.create_commit(
        repo,
        [CommitOperationCopy(path, path, src_revision=staged) for path in paths],
        commit_message="release 1.0.0",
        commit_description="hubpub: demo 1.0.0 abc",
        parent_commit=head,
    ).oid

    assert tree(alice, repo, staged) == tree(alice, repo, "main")
    assert [promoted, head] == [commit.commit_id for commit in alice.list_repo_commits(repo)]
    assert before == sorted((path, path.stat().st_mtime_ns) for path in (data / "lfs").rglob("*"))


def test_title_and_message_come_back_apart(alice, repo):
    """The trailer in the message is how a step whose answer was lost is found again."""
    alice.create_commit(
        repo,
        [CommitOperationAdd("a.txt", b"a")],
        commit_message="release 1.0.0",
        commit_description="Two lines.\n\nhubpub: demo 1.0.0 abc",
    )

    newest = alice.list_repo_commits(repo, formatted=True)[0]

    assert ("release 1.0.0", "Two lines.\n\nhubpub: demo 1.0.0 abc", ["alice"]) == (
        newest.title,
        newest.message,
        newest.authors,
    )


def test_files_and_folders_are_deleted(alice, repo, folder):
    """Deletes are lines of a plan."""
    alice.upload_folder(repo_id=repo, folder_path=folder)
    alice.create_commit(
        repo,
        [CommitOperationDelete("sub/"), CommitOperationDelete("config.json")],
        commit_message="less",
    )

    assert {".gitattributes", "README.md", "model.safetensors"} == set(alice.list_repo_files(repo))


def test_a_folder_is_deleted_also_where_the_client_names_it_as_a_file(alice, repo, folder):
    """Without the slash at its end; the real Hub takes it so."""
    alice.upload_folder(repo_id=repo, folder_path=folder)
    alice.create_commit(repo, [CommitOperationDelete("sub")], commit_message="less")

    assert [] == [path for path in alice.list_repo_files(repo) if path.startswith("sub")]


@pytest.mark.parametrize("path", ["nothing.txt", "nothing/"])
def test_deleting_what_is_not_there_fails_the_whole_commit(alice, repo, path):
    """One commit, or none."""
    head = alice.model_info(repo).sha

    with pytest.raises(RemoteEntryNotFoundError):
        alice.create_commit(
            repo,
            [CommitOperationAdd("a.txt", b"a"), CommitOperationDelete(path)],
            commit_message="half",
        )

    assert head == alice.model_info(repo).sha


@pytest.mark.parametrize(
    "path",
    [
        "../up.txt",
        "a/../../b",
        "/etc/passwd",
        ".git/config",
        "a/.GIT/x",
        "a//b",
        "a\\b",
        "a\nb",
        ".",
        "",
        "\ud800",
    ],
)
def test_a_path_that_leaves_the_repo_or_hides_in_it_is_refused(hub, alice, repo, path):
    """The client checks some of this; a server may not count on it."""
    head = alice.model_info(repo).sha

    answer = post_commit(hub, repo, file(path))

    assert 422 == answer.status_code
    assert head == alice.model_info(repo).sha


def test_a_path_cannot_be_a_file_and_a_folder(hub, alice, repo):
    """git could not hold it."""
    assert 400 == post_commit(hub, repo, file("a"), file("a/b")).status_code
    assert 400 == post_commit(hub, repo, file("a/b"), file("a")).status_code


@pytest.mark.parametrize(
    "operation",
    [
        {"key": "nonsense", "value": {"path": "a"}},
        {"key": "header", "value": {"summary": "second"}},
        {"key": "file", "value": {"path": "a"}},
        {"key": "file", "value": {"path": "a", "content": "%%%", "encoding": "base64"}},
        {"key": "lfsFile", "value": {"path": "a", "oid": "../../token"}},
        {"key": "lfsFile", "value": {"path": "a", "oid": "a" * 64, "algo": "md5"}},
        {"key": "file", "value": []},
        [],
    ],
)
def test_a_malformed_operation_is_refused(hub, alice, repo, operation):
    """With 400 and a sentence, not with a broken server."""
    answer = post_commit(hub, repo, operation)

    assert 400 == answer.status_code
    assert answer.json()["error"]


def test_a_regular_file_of_more_than_ten_megabytes_is_refused(hub, repo):
    """It belongs with the large files; git would carry it for ever."""
    assert 413 == post_commit(hub, repo, file("big.txt", b"x" * (10 * 1024 * 1024 + 1))).status_code


@pytest.mark.parametrize("length", [9 * 1024 * 1024, None])
def test_a_json_body_that_is_too_large_is_refused(hub, length):
    """Bodies that are held in memory have a bound, announced or not."""
    body = b"[" * (9 * 1024 * 1024)
    content = body if length else iter([body[:1000], body])

    answer = get_session().post(f"{hub.url}/api/validate-yaml", content=content)

    assert 413 == answer.status_code


def test_deeply_nested_json_is_refused(hub):
    """It would overflow the parser's stack."""
    assert 400 == get_session().post(f"{hub.url}/api/validate-yaml", content=b"[" * 200_000).status_code


def test_a_commit_to_a_branch_that_does_not_exist_is_refused(alice, repo):
    """A typo must not make a branch."""
    with pytest.raises(RevisionNotFoundError):
        alice.upload_file(repo_id=repo, path_in_repo="a.txt", path_or_fileobj=b"a", revision="typo")


def test_a_large_file_that_no_rule_names_gets_a_line_in_gitattributes(alice, repo, tmp_path):
    """As on the real Hub, so that git's own filter fetches it too."""
    alice.upload_file(repo_id=repo, path_in_repo="my tokenizer.json", path_or_fileobj=b"x\0" * 100)

    attributes = Path(alice.hf_hub_download(repo, ".gitattributes", cache_dir=tmp_path)).read_text()

    assert "my[[:space:]]tokenizer.json filter=lfs diff=lfs merge=lfs -text\n" in attributes
    assert alice.get_paths_info(repo, ["my tokenizer.json"])[0].lfs is not None


def test_what_gitignore_names_is_left_out(alice, repo, folder):
    """The server decides, the client obeys."""
    (folder / ".gitignore").write_text("sub/\n*.json\n")
    alice.upload_folder(repo_id=repo, folder_path=folder)

    assert {".gitattributes", ".gitignore", "README.md", "model.safetensors"} == set(
        alice.list_repo_files(repo)
    )


def test_a_card_with_broken_front_matter_stops_the_commit(hub, repo):
    """Also for a client that does not ask first."""
    answer = post_commit(hub, repo, file("README.md", b"---\ntags: 3\n---\n"))

    assert (400, True) == (answer.status_code, '"tags" must be' in answer.json()["error"])


def test_git_itself_finds_no_fault(alice, repo, folder, git_of):
    """Anyone can audit a release with git alone."""
    alice.upload_folder(repo_id=repo, folder_path=folder)
    alice.create_tag(repo, tag="v1", tag_message="first release")
    alice.create_branch(repo, branch="hubpub/v2")
    alice.create_pull_request(repo, title="a proposal")

    assert "" == git_of(repo, "fsck", "--full", "--strict", "--no-dangling", "--no-progress")
    assert "first release" in git_of(repo, "tag", "-n", "v1")
    assert ["Upload folder using huggingface_hub", "initial commit"] == git_of(
        repo, "log", "--format=%s", "main"
    ).splitlines()
    assert '"sub/notes \\303\\244.txt"' in git_of(repo, "ls-tree", "-r", "--name-only", "main")


def test_a_repo_that_git_packed_is_read_as_before(alice, repo, folder, git_of):
    """Someone may run `git gc` in the data folder."""
    alice.upload_folder(repo_id=repo, folder_path=folder)
    alice.create_tag(repo, tag="v1", tag_message="first")
    before = tree(alice, repo)
    git_of(repo, "gc", "--quiet")

    alice.upload_file(repo_id=repo, path_in_repo="after.txt", path_or_fileobj=b"after")
    alice.delete_tag(repo, tag="v1")

    assert before == {path: ids for path, ids in tree(alice, repo).items() if path != "after.txt"}
    assert [] == alice.list_repo_refs(repo).tags
