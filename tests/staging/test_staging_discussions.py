"""Pull requests: the way of those who may not write, and of those who want a review."""

from __future__ import annotations

import pytest
from huggingface_hub import CommitOperationAdd
from huggingface_hub.errors import HfHubHTTPError, RevisionNotFoundError


def add(path, content=b"new"):
    return [CommitOperationAdd(path, content)]


def test_a_stranger_proposes_and_the_owner_merges(alice, bob, repo, folder):
    """`--propose` without write rights, large files included."""
    head = alice.model_info(repo).sha
    proposed = bob.upload_folder(
        repo_id=repo, folder_path=folder, commit_message="Add a model", create_pr=True
    )
    details = alice.get_discussion_details(repo, proposed.pr_num)
    unchanged = alice.model_info(repo).sha
    alice.merge_pull_request(repo, proposed.pr_num)
    after = alice.get_discussion_details(repo, proposed.pr_num)

    assert ("open", True, "bob", [], "refs/heads/main") == (
        details.status,
        details.is_pull_request,
        details.author,
        details.conflicting_files,
        details.target_branch,
    )
    assert head == unchanged
    assert ("merged", alice.model_info(repo).sha) == (after.status, after.merge_commit_oid)
    assert "model.safetensors" in alice.list_repo_files(repo)
    assert ["Add a model (#1)", "initial commit"] == [
        commit.title for commit in alice.list_repo_commits(repo)
    ]


def test_a_draft_takes_commits_and_is_opened_before_it_is_merged(alice, repo):
    """The client's own upload pipeline works this way."""
    draft = alice.create_pull_request(repo, title="Two steps", description="first this, then that")
    for step in ("one.txt", "two.txt"):
        alice.create_commit(repo, add(step), commit_message=step, revision=draft.git_reference)
    with pytest.raises(HfHubHTTPError) as caught:
        alice.merge_pull_request(repo, draft.num)
    alice.change_discussion_status(repo, draft.num, "open")
    alice.merge_pull_request(repo, draft.num, comment="well done")

    events = [event.type for event in alice.get_discussion_details(repo, draft.num).events]

    assert ("draft", 409) == (draft.status, caught.value.response.status_code)
    assert ["comment", "commit", "commit", "status-change", "comment", "status-change"] == events
    assert {"one.txt", "two.txt"} < set(alice.list_repo_files(repo))


def test_changes_on_both_sides_are_joined(alice, repo):
    """Someone pushed to main meanwhile, elsewhere: no conflict, nothing lost."""
    proposed = alice.create_commit(repo, add("theirs.txt"), commit_message="theirs", create_pr=True)
    alice.create_commit(repo, add("ours.txt"), commit_message="ours")
    alice.merge_pull_request(repo, proposed.pr_num)

    assert {".gitattributes", "theirs.txt", "ours.txt"} == set(alice.list_repo_files(repo))


def test_the_same_file_changed_on_both_sides_is_a_conflict(alice, repo):
    """It is named, and nothing is merged."""
    proposed = alice.create_commit(repo, add("a.txt", b"theirs"), commit_message="theirs", create_pr=True)
    head = alice.create_commit(repo, add("a.txt", b"ours"), commit_message="ours").oid

    with pytest.raises(HfHubHTTPError) as caught:
        alice.merge_pull_request(repo, proposed.pr_num)

    assert 409 == caught.value.response.status_code
    assert ["a.txt"] == alice.get_discussion_details(repo, proposed.pr_num).conflicting_files
    assert head == alice.model_info(repo).sha


def test_a_closed_pull_request_takes_no_more_commits(alice, repo):
    """And one that is merged neither."""
    proposed = alice.create_commit(repo, add("a.txt"), commit_message="a", create_pr=True)
    alice.change_discussion_status(repo, proposed.pr_num, "closed")

    with pytest.raises(HfHubHTTPError) as caught:
        alice.create_commit(repo, add("b.txt"), commit_message="b", revision=proposed.pr_revision)

    assert 409 == caught.value.response.status_code


def test_a_stranger_steers_no_pull_request_of_others(alice, bob, repo):
    """They may read and comment."""
    proposed = alice.create_commit(repo, add("a.txt"), commit_message="a", create_pr=True)

    for call in (
        lambda: bob.merge_pull_request(repo, proposed.pr_num),
        lambda: bob.change_discussion_status(repo, proposed.pr_num, "closed"),
        lambda: bob.rename_discussion(repo, proposed.pr_num, "mine now"),
        lambda: bob.create_commit(repo, add("b.txt"), commit_message="b", revision=proposed.pr_revision),
        lambda: bob.create_commit(repo, add("b.txt"), commit_message="b"),
    ):
        with pytest.raises(HfHubHTTPError) as caught:
            call()
        assert 403 == caught.value.response.status_code
    assert "nice" == bob.comment_discussion(repo, proposed.pr_num, "nice").content


def test_a_pull_request_starts_from_the_commit_that_was_named(alice, repo):
    """What was reviewed is what is proposed."""
    base = alice.model_info(repo).sha
    alice.create_commit(repo, add("later.txt"), commit_message="later")
    proposed = alice.create_commit(repo, add("a.txt"), commit_message="a", create_pr=True, parent_commit=base)

    assert {".gitattributes", "a.txt"} == set(alice.list_repo_files(repo, revision=proposed.pr_revision))


def test_discussions_are_listed_renamed_and_numbered(alice, bob, repo):
    """Numbers are shared by discussions and pull requests."""
    talk = bob.create_discussion(repo, title="A question")
    alice.create_pull_request(repo, title="An answer")
    renamed = bob.rename_discussion(repo, talk.num, "A better question")

    listed = [(each.num, each.title, each.is_pull_request) for each in alice.get_repo_discussions(repo)]

    assert ("A question", "A better question") == (renamed.old_title, renamed.new_title)
    assert [(2, "An answer", True), (1, "A better question", False)] == listed
    assert ["refs/pr/2"] == [
        ref.ref for ref in alice.list_repo_refs(repo, include_pull_requests=True).pull_requests
    ]


def test_a_pull_request_to_a_branch_is_merged_into_that_branch(alice, repo):
    """And main hears nothing of it; without its branch it cannot be merged, and still be looked at."""
    alice.create_branch(repo, branch="next")
    proposed = alice.create_commit(
        repo,
        [CommitOperationAdd("new.txt", b"new")],
        revision="next",
        commit_message="Something new",
        create_pr=True,
    )
    before = alice.get_discussion_details(repo, proposed.pr_num)
    alice.merge_pull_request(repo, proposed.pr_num)
    second = alice.create_commit(
        repo,
        [CommitOperationAdd("late.txt", b"late")],
        revision="next",
        commit_message="Too late",
        create_pr=True,
    )
    alice.delete_branch(repo, branch="next")

    assert "refs/heads/next" == before.target_branch
    assert "new.txt" not in alice.list_repo_files(repo)
    assert "merged" == alice.get_discussion_details(repo, proposed.pr_num).status
    assert "open" == alice.get_discussion_details(repo, second.pr_num).status
    with pytest.raises(RevisionNotFoundError):
        alice.merge_pull_request(repo, second.pr_num)


@pytest.mark.parametrize("revision", ["missing", None])
def test_a_pull_request_needs_a_branch_to_go_to(alice, repo, revision):
    """A commit is none (None stands for main's id)."""
    with pytest.raises(RevisionNotFoundError):
        alice.create_commit(
            repo,
            [CommitOperationAdd("new.txt", b"new")],
            revision=revision or alice.model_info(repo).sha,
            commit_message="Something new",
            create_pr=True,
        )


def test_a_pull_request_can_be_squashed(alice, repo):
    """By its full ref, as the client sends it."""
    proposed = alice.create_pull_request(repo, title="A proposal")
    for name in ("a.txt", "b.txt"):
        alice.upload_file(
            repo_id=repo, path_in_repo=name, path_or_fileobj=b"x", revision=proposed.git_reference
        )
    alice.super_squash_history(repo, branch=proposed.git_reference)

    assert 1 == len(alice.list_repo_commits(repo, revision=proposed.git_reference))
    assert {"a.txt", "b.txt"} <= set(alice.list_repo_files(repo, revision=proposed.git_reference))
