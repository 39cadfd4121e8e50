"""Who may see, make, move and change a repo."""

from __future__ import annotations

from pathlib import Path

import pytest
from huggingface_hub import HfApi
from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, RepositoryNotFoundError
from huggingface_hub.utils import get_session

from publisher.errors import HubpubError
from publisher.staging.auth import load_users


def test_a_new_repo_has_one_commit_and_a_gitattributes(alice, repo):
    """As on the real Hub: a first release is never a first commit."""
    commits = alice.list_repo_commits(repo)

    assert ["initial commit"] == [commit.title for commit in commits]
    assert [".gitattributes"] == alice.list_repo_files(repo)


def test_creating_a_repo_twice_is_a_conflict_unless_it_may_exist(alice, repo):
    """A resumed release creates again what is there."""
    with pytest.raises(HfHubHTTPError) as caught:
        alice.create_repo(repo)
    again = alice.create_repo(repo, exist_ok=True)

    assert 409 == caught.value.response.status_code
    assert repo == again.repo_id


def test_models_and_datasets_of_one_name_are_two_repos(alice, repo):
    """The demo releases a model and its data under one name."""
    made = alice.create_repo(repo, repo_type="dataset", private=True)

    assert ("dataset", repo) == (made.repo_type, made.repo_id)
    assert alice.dataset_info(repo).private
    assert not alice.model_info(repo).private


def test_a_private_repo_looks_absent_to_others(alice, bob, nobody, api, repo):
    """Even its name is nobody's business."""
    alice.update_repo_settings(repo, private=True)

    for stranger in (bob, nobody):
        with pytest.raises(RepositoryNotFoundError):
            stranger.model_info(repo)
        with pytest.raises(RepositoryNotFoundError):
            stranger.hf_hub_download(repo, ".gitattributes")
    assert repo == api.model_info(repo).id


@pytest.mark.parametrize(("gate", "expected"), [("auto", "auto"), ("manual", "manual"), (False, False)])
def test_gating_shows_in_the_repos_info(alice, repo, gate, expected):
    """A plan compares it with what the manifest asks for."""
    alice.update_repo_settings(repo, gated="auto")
    alice.update_repo_settings(repo, gated=gate)

    assert expected == alice.model_info(repo).gated


def test_a_gated_repo_shows_itself_but_not_its_files(alice, bob, nobody, repo):
    """Gemma's behaviour: the page is public, the weights are not."""
    alice.update_repo_settings(repo, gated="manual")

    for stranger in (bob, nobody):
        assert repo == stranger.model_info(repo).id
        with pytest.raises(GatedRepoError):
            stranger.hf_hub_download(repo, ".gitattributes")
        with pytest.raises(GatedRepoError):
            stranger.auth_check(repo)
    alice.auth_check(repo, write=True)


def test_a_wrong_token_is_refused_everywhere(hub):
    """A typo in a token must not look like a missing repo."""
    stranger = HfApi(endpoint=hub.url, token="hf_wrong")

    for call in (stranger.whoami, lambda: stranger.model_info("alice/anything")):
        with pytest.raises(HfHubHTTPError) as caught:
            call()
        assert 401 == caught.value.response.status_code
        assert not isinstance(caught.value, RepositoryNotFoundError)


def test_a_token_that_reads_does_not_write(hub, alice, repo):
    """The commonest mistake with tokens, and it must be told apart from the others."""
    reader = HfApi(endpoint=hub.url, token="hf_alice_reads")

    for call in (
        lambda: reader.create_repo("alice/other"),
        lambda: reader.upload_file(repo_id=repo, path_in_repo="a.txt", path_or_fileobj=b"a"),
        lambda: reader.create_tag(repo, tag="v1"),
    ):
        with pytest.raises(HfHubHTTPError) as caught:
            call()
        assert 403 == caught.value.response.status_code


def test_one_writes_in_ones_own_namespace_and_ones_organisations(alice, bob, api):
    """And the owner of the data folder in every one."""
    alice.create_repo("acme/of-alice", exist_ok=True)
    api.create_repo("anyone/at-all", exist_ok=True)

    with pytest.raises(HfHubHTTPError) as caught:
        bob.create_repo("acme/of-bob")
    assert 403 == caught.value.response.status_code


def test_whoami_names_the_organisations(alice, api):
    """Preflight looks here for the right to write."""
    known = alice.whoami()

    assert ("alice", ["acme"]) == (known["name"], [org["name"] for org in known["orgs"]])
    assert "local" == api.whoami()["name"]
    assert {"acme", "alice", "bob"} <= {org["name"] for org in api.whoami()["orgs"]}


def test_the_old_name_of_a_moved_repo_leads_to_the_new_one(alice, bob, repo, tmp_path):
    """Cards that were published before the move keep working."""
    alice.upload_file(repo_id=repo, path_in_repo="a.txt", path_or_fileobj=b"a")
    alice.move_repo(repo, f"{repo}-new")

    path = bob.hf_hub_download(repo, "a.txt", cache_dir=tmp_path)
    alice.upload_file(repo_id=repo, path_in_repo="b.txt", path_or_fileobj=b"b")

    assert b"a" == Path(path).read_bytes()
    assert f"{repo}-new" == bob.model_info(repo).id
    assert {".gitattributes", "a.txt", "b.txt"} == set(alice.list_repo_files(f"{repo}-new"))


def test_a_moved_private_repo_leads_strangers_nowhere(alice, bob, repo):
    """A redirect would tell its new name."""
    alice.update_repo_settings(repo, private=True)
    alice.move_repo(repo, f"{repo}-new")

    with pytest.raises(RepositoryNotFoundError):
        bob.model_info(repo)


def test_a_deleted_repo_is_gone(alice, repo, data):
    """Also from the disk."""
    alice.delete_repo(repo)

    with pytest.raises(RepositoryNotFoundError):
        alice.model_info(repo)
    assert [] == list((data / "repos").glob(f"models--{repo.replace('/', '--')}--*"))
    alice.delete_repo(repo, missing_ok=True)


@pytest.mark.parametrize(
    "name", ["alice/.hidden", "alice/a..b", "alice/a.git", "alice/with space", "alice/a--b"]
)
def test_a_name_that_cannot_be_a_folder_or_an_address_is_refused(hub, name):
    """Names become folder names here."""
    owner, short = name.split("/")
    answer = get_session().post(
        f"{hub.url}/api/repos/create",
        json={"name": short, "organization": owner},
        headers={"Authorization": "Bearer hf_alice"},
    )

    assert 400 == answer.status_code


def test_a_request_for_another_host_is_refused(hub):
    """A web page must not reach the Hub through a name of its own that points at this machine."""
    answer = get_session().get(f"{hub.url}/api/whoami-v2", headers={"Host": "evil.example"})

    assert 400 == answer.status_code


@pytest.mark.parametrize(
    "text",
    [
        "name: alice",
        "- {name: 'a/b'}",
        "- {name: local}",
        "- {name: alice, organisations: acme}",
        "- {name: alice, tokens: [{token: hf_x, role: admin}]}",
        "- {name: alice, tokens: [hf_secret]}",
        "- [",
    ],
)
def test_a_users_file_that_is_none_is_refused_without_telling_a_token(tmp_path, text):
    """Errors end up in logs."""
    path = tmp_path / "users.yaml"
    path.write_text(text)

    with pytest.raises(HubpubError) as caught:
        load_users(path)

    assert "HP-M09" == caught.value.code
    assert "hf_secret" not in f"{caught.value} {caught.value.hint}"
