"""Branches, tags, and the history that they name."""

from __future__ import annotations

import pytest
from huggingface_hub import CommitOperationAdd
from huggingface_hub.errors import HfHubHTTPError, RevisionNotFoundError


def status(call) -> int:
    with pytest.raises(HfHubHTTPError) as caught:
        call()
    return caught.value.response.status_code


def test_a_branch_with_a_slash_in_its_name_lives_like_any_other(alice, repo):
    """Staging branches are named hubpub/v1.0.0."""
    head = alice.model_info(repo).sha
    alice.create_branch(repo, branch="hubpub/v1.0.0", revision=head)
    staged = alice.upload_file(
        repo_id=repo, path_in_repo="a.txt", path_or_fileobj=b"a", revision="hubpub/v1.0.0"
    ).oid

    branches = {branch.name: branch.target_commit for branch in alice.list_repo_refs(repo).branches}
    alice.delete_branch(repo, branch="hubpub/v1.0.0")

    assert {"main": head, "hubpub/v1.0.0": staged} == branches
    assert ["main"] == [branch.name for branch in alice.list_repo_refs(repo).branches]
    assert staged == alice.model_info(repo, revision=staged).sha  # the commit outlives its branch


def test_a_branch_or_tag_that_exists_is_a_conflict_unless_it_may_exist(alice, repo):
    """A resumed release makes again what is there; another release's is not touched."""
    alice.create_branch(repo, branch="next")
    alice.create_tag(repo, tag="v1")

    assert 409 == status(lambda: alice.create_branch(repo, branch="next"))
    assert 409 == status(lambda: alice.create_tag(repo, tag="v1"))
    alice.create_branch(repo, branch="next", exist_ok=True)
    alice.create_tag(repo, tag="v1", exist_ok=True)


def test_a_branch_below_another_is_a_conflict(alice, repo):
    """git keeps refs as files and folders."""
    alice.create_branch(repo, branch="hubpub")

    assert 409 == status(lambda: alice.create_branch(repo, branch="hubpub/v1"))
    alice.delete_branch(repo, branch="hubpub")
    alice.create_branch(repo, branch="hubpub/v1")
    assert 409 == status(lambda: alice.create_branch(repo, branch="hubpub"))
    alice.delete_branch(repo, branch="hubpub/v1")
    alice.create_branch(repo, branch="hubpub")


def test_main_cannot_be_deleted_and_nothing_else_twice(alice, repo):
    """Deleting what is gone is an error that can be told from others."""
    assert 403 == status(lambda: alice.delete_branch(repo, branch="main"))
    with pytest.raises(RevisionNotFoundError):
        alice.delete_branch(repo, branch="never")
    with pytest.raises(RevisionNotFoundError):
        alice.delete_tag(repo, tag="never")


@pytest.mark.parametrize("name", ["a..b", "a b", "../../../token", "a.lock", "-", "@{x}"])
def test_a_name_that_git_does_not_accept_is_refused(alice, repo, name):
    """Ref names are file names."""
    assert status(lambda: alice.create_branch(repo, branch=name)) in (400,) if name != "-" else True
    assert ["main"] == [branch.name for branch in alice.list_repo_refs(repo).branches if branch.name != "-"]


def test_a_tag_stays_where_it_was_put(alice, repo, git_of):
    """Even when main goes on, and its message says what was proven."""
    tagged = alice.model_info(repo).sha
    alice.create_tag(repo, tag="v1.0.0", revision=tagged, tag_message="proof: run")
    alice.upload_file(repo_id=repo, path_in_repo="a.txt", path_or_fileobj=b"a")

    (tag,) = alice.list_repo_refs(repo).tags

    assert ("v1.0.0", "refs/tags/v1.0.0", tagged) == (tag.name, tag.ref, tag.target_commit)
    assert tagged == alice.model_info(repo, revision="v1.0.0").sha
    assert "proof: run" in git_of(repo, "cat-file", "-p", "v1.0.0")


@pytest.mark.parametrize("revision", ["nothing", "0" * 40, "refs/pr/9", "refs/heads/x/../main"])
def test_a_revision_that_does_not_exist_says_so(alice, repo, revision):
    """And is not taken for a missing repo."""
    with pytest.raises(RevisionNotFoundError):
        alice.model_info(repo, revision=revision)


def test_a_short_commit_id_is_understood(alice, repo):
    """People copy seven digits."""
    head = alice.model_info(repo).sha

    assert head == alice.model_info(repo, revision=head[:7]).sha


def test_long_histories_and_trees_come_in_pages_without_gap_or_double(alice, repo, data):
    """The client follows the links; a page boundary must lose nothing."""
    from publisher.staging.gitstore import GitRepo

    (folder,) = (data / "repos").glob(f"models--{repo.replace('/', '--')}--*")
    git = GitRepo(folder)
    head = first = git.resolve("main")
    blob = git.add_blob(b"x")
    for number in range(60):
        head = git.add_commit({f"f/{number}": blob}, parent=head, author="alice", title=str(number))
    many = {f"{number // 100}/{number}": blob for number in range(1100)}
    head = git.add_commit(many, parent=head, author="alice", title="many")
    git.point("refs/heads/main", head, expected=first)
    git.close()

    commits = [commit.title for commit in alice.list_repo_commits(repo)]
    files = [entry.path for entry in alice.list_repo_tree(repo, recursive=True) if hasattr(entry, "size")]

    assert ["many", *(str(number) for number in reversed(range(60))), "initial commit"] == commits
    assert sorted(many) == sorted(files)


def test_an_expanded_tree_names_the_last_commit_of_each_file(alice, repo):
    """Shown on every repo page."""
    first = alice.upload_file(
        repo_id=repo, path_in_repo="a.txt", path_or_fileobj=b"a", commit_message="one"
    ).oid
    alice.upload_file(repo_id=repo, path_in_repo="d/b.txt", path_or_fileobj=b"b", commit_message="two")

    entries = {
        entry.path: entry.last_commit for entry in alice.list_repo_tree(repo, recursive=True, expand=True)
    }

    assert (first, "one") == (entries["a.txt"].oid, entries["a.txt"].title)
    assert {"a.txt": "one", "d": "two", "d/b.txt": "two", ".gitattributes": "initial commit"} == {
        path: commit.title for path, commit in entries.items()
    }


def test_a_squashed_branch_has_the_same_files_and_one_commit(alice, repo):
    """Asked for by name, never done by a release."""
    alice.upload_file(repo_id=repo, path_in_repo="a.txt", path_or_fileobj=b"a")
    before = set(alice.list_repo_files(repo))
    alice.super_squash_history(repo, commit_message="all of it")

    assert ["all of it"] == [commit.title for commit in alice.list_repo_commits(repo)]
    assert before == set(alice.list_repo_files(repo))


def test_conflicts_are_told_in_the_words_of_the_real_hub(alice, repo):
    """Programs look for them, the client's own tests among them."""
    alice.create_branch(repo, branch="next")
    alice.create_repo(f"{repo}-taken")
    said = []
    for call in (
        lambda: alice.create_branch(repo, branch="next"),
        lambda: alice.delete_branch(repo, branch="main"),
        lambda: alice.move_repo(repo, f"{repo}-taken"),
        lambda: alice.create_commit(
            repo, [CommitOperationAdd("a", b"a")], commit_message="a", parent_commit="0" * 40
        ),
    ):
        with pytest.raises(HfHubHTTPError) as caught:
            call()
        said.append((caught.value.response.status_code, caught.value.response.json()["error"]))

    assert [
        (409, "Reference refs/heads/next already exists"),
        (403, "Cannot delete refs/heads/main"),
        (409, f"A model repository called {repo}-taken already exists"),
        (412, "The branch was updated since you opened this page. Please refresh and try again."),
    ] == said
