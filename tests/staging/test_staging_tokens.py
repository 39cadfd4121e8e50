"""Fine-grained tokens: for named repos and namespaces, to read or to write."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from huggingface_hub import CommitOperationAdd, HfApi
from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, RepositoryNotFoundError

from publisher.errors import HubpubError
from publisher.staging.auth import load_users
from publisher.staging.server import EmbeddedHub

USERS = """
- name: alice
  organisations: [acme]
  tokens:
    - {token: hf_alice}
    - {token: hf_model, role: fineGrained, scopes: {acme/model: write, datasets/acme/data: read}}
    - {token: hf_acme, role: fineGrained, scopes: {acme: write}}
    - {token: hf_looks, role: fineGrained, scopes: {acme: read}, gated: true}
- name: bob
  tokens: [{token: hf_bob}]
"""


@pytest.fixture(scope="module")
def fine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], HfApi]]:
    """A Hub with a private model and a private dataset of acme's, and one of alice's; a client for each token."""
    folder = tmp_path_factory.mktemp("tokens")
    (folder / "users.yaml").write_text(USERS)
    with EmbeddedHub(folder / "data", users=folder / "users.yaml") as hub:
        alice = HfApi(endpoint=hub.url, token="hf_alice")
        alice.create_repo("acme/model", private=True)
        alice.create_repo("acme/data", private=True, repo_type="dataset")
        alice.create_repo("acme/other", private=True)
        alice.create_repo("alice/own", private=False)
        yield lambda token: HfApi(endpoint=hub.url, token=token)


def refusal(call: Callable[[], object]) -> tuple[int, str]:
    with pytest.raises(HfHubHTTPError) as caught:
        call()
    return caught.value.response.status_code, caught.value.server_message or ""


def test_a_token_for_one_repo_writes_to_it_and_to_its_settings(fine):
    """The token that a careful user gives a release: repo, branch, tag, visibility, nothing else."""
    api = fine("hf_model")
    api.create_branch("acme/model", branch="staged")
    commit = api.create_commit(
        "acme/model", [CommitOperationAdd("w.bin", b"weights")], revision="staged", commit_message="w"
    )
    api.create_tag("acme/model", tag="v1", revision=commit.oid)
    api.update_repo_settings("acme/model", private=True)
    api.auth_check("acme/model", write=True)

    assert commit.oid == api.model_info("acme/model", revision="v1").sha


def test_a_scope_that_reads_does_not_write(fine):
    """The message names the repo, so that the token can be mended."""
    api = fine("hf_model")

    status, message = refusal(
        lambda: api.upload_file(
            repo_id="acme/data", repo_type="dataset", path_in_repo="a", path_or_fileobj=b"a"
        )
    )

    assert "acme/data" == api.dataset_info("acme/data").id
    assert (403, True) == (status, "no write scope for datasets/acme/data" in message)


def test_what_no_scope_names_is_as_if_it_were_a_strangers(fine):
    """Private repos look absent, public ones can be read and not written, nothing can be made."""
    api = fine("hf_model")

    with pytest.raises(RepositoryNotFoundError):
        api.model_info("acme/other")
    assert ["acme/model"] == [each.id for each in api.list_models(author="acme")]
    assert "alice/own" == api.model_info("alice/own").id
    for call in (
        lambda: api.create_tag("alice/own", tag="v1"),
        lambda: api.create_discussion("alice/own", "A question"),
        lambda: api.create_repo("acme/new"),
        lambda: api.move_repo("acme/model", "acme/renamed"),
        lambda: api.create_collection("Mine", namespace="acme"),
    ):
        assert 403 == refusal(call)[0]


def test_a_scope_of_a_namespace_is_for_all_that_is_in_it_and_for_what_is_made_there(fine):
    """`acme: write` is what a first release needs."""
    api = fine("hf_acme")
    api.create_repo("acme/made", private=True)
    api.upload_file(repo_id="acme/made", path_in_repo="a.txt", path_or_fileobj=b"a")
    api.create_collection("Models", namespace="acme")
    api.delete_repo("acme/made")

    assert 403 == refusal(lambda: api.create_repo("alice/new"))[0]
    assert "namespace" in refusal(lambda: api.create_repo("alice/new"))[1]


def test_a_scope_that_reads_a_namespace_sees_it_and_changes_nothing(fine):
    """A token for evaluation jobs."""
    api = fine("hf_looks")

    assert {"acme/model", "acme/other"} <= {each.id for each in api.list_models(author="acme")}
    assert (
        403
        == refusal(lambda: api.upload_file(repo_id="acme/model", path_in_repo="a", path_or_fileobj=b""))[0]
    )
    assert 403 == refusal(lambda: api.create_repo("acme/new"))[0]


def test_gated_repos_of_others_open_only_to_a_token_that_says_so(fine):
    """The box in the real Hub's form that is forgotten most."""
    bob = fine("hf_bob")
    bob.create_repo("bob/gated")
    bob.update_repo_settings("bob/gated", gated="manual")
    bob.grant_access("bob/gated", "alice")

    fine("hf_alice").auth_check("bob/gated")
    fine("hf_looks").auth_check("bob/gated")
    with pytest.raises(GatedRepoError, match="enable access to public gated repositories"):
        fine("hf_acme").auth_check("bob/gated")


def test_whoami_tells_a_tokens_scopes_as_the_real_hub_does(fine):
    """A preflight reads them before anything costly."""
    token = fine("hf_model").whoami()["auth"]["accessToken"]
    scoped = [
        (each["entity"]["type"], each["entity"]["name"], each["permissions"])
        for each in token["fineGrained"]["scoped"]
    ]

    assert ("fineGrained", False) == (token["role"], token["fineGrained"]["canReadGatedRepos"])
    assert [
        ("model", "acme/model", ["repo.content.read", "repo.write"]),
        ("dataset", "acme/data", ["repo.content.read"]),
    ] == scoped
    assert "write" == fine("hf_alice").whoami()["auth"]["accessToken"]["role"]


@pytest.mark.parametrize(
    "token",
    [
        "{token: hf_x, role: fineGrained}",
        "{token: hf_x, role: fineGrained, scopes: [acme]}",
        "{token: hf_x, role: fineGrained, scopes: {acme/model: admin}}",
        "{token: hf_x, role: fineGrained, scopes: {a/b/c: write}}",
        "{token: hf_x, role: write, scopes: {acme: read}}",
        "{token: hf_x, role: write, scope: {acme: read}}",
    ],
)
def test_scopes_that_make_no_sense_are_refused_when_the_server_starts(tmp_path: Path, token: str):
    """A mistyped word must not make a token that may more, or less, than was meant."""
    path = tmp_path / "users.yaml"
    path.write_text(f"- {{name: alice, tokens: [{token}]}}")

    with pytest.raises(HubpubError) as caught:
        load_users(path)

    assert "HP-M09" == caught.value.code
