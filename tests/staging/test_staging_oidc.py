"""Trusted publishers: a CI job's ID token for a token of one repo, as the client asks for it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import jwt
import pytest
from huggingface_hub import CommitOperationAdd, HfApi
from huggingface_hub._oidc import exchange_oidc_token
from huggingface_hub.errors import BadRequestError, HfHubHTTPError, RepositoryNotFoundError

from publisher.errors import HubpubError
from publisher.staging.oidc import load_publishers
from publisher.staging.server import EmbeddedHub

KEY = "a secret of the issuer's that is long enough"
ISSUER = "https://ci.example"
JOB = {"repository": "acme/training", "ref": "refs/heads/main"}
USERS = f"""
users:
  - name: alice
    organisations: [acme]
    tokens: [{{token: hf_alice}}]
  - name: bob
    tokens: [{{token: hf_bob}}]
trusted_publishers:
  - &job {{resource: acme/model, issuer: "{ISSUER}", key: {KEY}, claims: {{repository: acme/training, ref: refs/heads/main}}}}
  - {{<<: *job, resource: datasets/acme/data}}
  - {{<<: *job, resource: acme/looked-at, role: read}}
  - {{<<: *job, resource: acme/short, valid_for_s: 1}}
  - {{<<: *job, resource: acme/nowhere}}
  - {{<<: *job, resource: bob}}
"""

Sign = Callable[..., str]


@pytest.fixture(scope="module")
def trusting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedHub]:
    folder = tmp_path_factory.mktemp("trusting")
    (folder / "users.yaml").write_text(USERS)
    with EmbeddedHub(folder / "data", users=folder / "users.yaml") as running:
        alice = HfApi(endpoint=running.url, token="hf_alice")
        for name in ("model", "looked-at", "short", "other"):
            alice.create_repo(f"acme/{name}", private=True)
        alice.create_repo("acme/data", repo_type="dataset", private=True)
        alice.create_repo("acme/open")
        yield running


@pytest.fixture
def owner(trusting: EmbeddedHub) -> HfApi:
    return HfApi(endpoint=trusting.url, token="hf_alice")


@pytest.fixture
def sign(trusting: EmbeddedHub) -> Sign:
    """What the issuer says about a job; anything may be changed."""

    def signed(*, key: str = KEY, **changed: object) -> str:
        said = {"iss": ISSUER, "aud": trusting.url, "exp": time.time() + 300, "sub": "job", **JOB, **changed}
        return jwt.encode({name: value for name, value in said.items() if value is not None}, key)

    return signed


@pytest.fixture
def job(trusting: EmbeddedHub, sign: Sign) -> Callable[[str], HfApi]:
    """The client, with a token for a resource."""

    def of(resource: str) -> HfApi:
        answer = exchange_oidc_token(subject_token=sign(), resource=resource, endpoint=trusting.url)
        return HfApi(endpoint=trusting.url, token=answer["access_token"])

    return of


def _add(text: str = "hello") -> list[CommitOperationAdd]:
    return [CommitOperationAdd("notes.txt", text.encode())]


def test_the_answer_is_what_the_documentation_says(trusting: EmbeddedHub, sign: Sign) -> None:
    """The client reads two of its keys; others read the rest."""
    answer = exchange_oidc_token(subject_token=sign(), resource="acme/model", endpoint=trusting.url)

    assert ("bearer", 3600, "urn:ietf:params:oauth:token-type:access_token") == (
        answer["token_type"],
        answer["expires_in"],
        answer["issued_token_type"],
    )
    assert answer["access_token"].startswith("hf_jwt_")


@pytest.mark.parametrize(
    ("resource", "repo", "kind"),
    [("acme/model", "acme/model", "model"), ("datasets/acme/data", "acme/data", "dataset")],
)
def test_a_job_commits_branches_tags_and_reads_in_its_repo(
    job: Callable[[str], HfApi], resource: str, repo: str, kind: str
) -> None:
    """All that a release does; large files too, over LFS. The author is the system user, no person."""
    api = job(resource)
    api.create_branch(repo, branch="staged", repo_type=kind)
    large = CommitOperationAdd("model.safetensors", b"0" * 3000)
    made = api.create_commit(
        repo, [*_add(), large], commit_message="by a job", revision="staged", repo_type=kind
    )
    api.create_tag(repo, tag="v1", revision=made.oid, tag_message="v1", repo_type=kind)
    api.delete_branch(repo, branch="staged", repo_type=kind)
    newest = api.list_repo_commits(repo, revision="v1", repo_type=kind)[0]

    assert ["[OIDC]"] == newest.authors
    assert {"notes.txt", "model.safetensors"} < set(api.list_repo_files(repo, revision="v1", repo_type=kind))
    api.auth_check(repo, repo_type=kind, write=True)


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"aud": "https://huggingface.co"}, "meant for another Hub"),
        ({"repository": "mallory/training"}, "another repository's job"),
        ({"ref": "refs/heads/main-backup"}, "claims are matched whole"),
        ({"ref": None}, "a claim that is not there"),
        ({"iss": "https://mallory.example"}, "another issuer"),
        ({"key": "a key that somebody else has made up"}, "a forged signature"),
        ({"exp": 1}, "expired"),
        ({"exp": None}, "would never expire"),
    ],
)
def test_a_job_that_is_not_trusted_gets_nothing(
    trusting: EmbeddedHub, sign: Sign, changed: dict[str, object], why: str
) -> None:
    """And is not told which condition it missed."""
    with pytest.raises(BadRequestError) as caught:
        exchange_oidc_token(subject_token=sign(**changed), resource="acme/model", endpoint=trusting.url)

    assert {
        "error": "invalid_grant",
        "error_description": "No trusted publisher of acme/model accepts this token",
    } == caught.value.response.json(), why


def test_a_token_that_names_its_own_algorithm_is_no_token(trusting: EmbeddedHub, sign: Sign) -> None:
    """`alg: none` has opened many doors."""
    said = jwt.decode(sign(), options={"verify_signature": False})
    with pytest.raises(BadRequestError):
        exchange_oidc_token(
            subject_token=jwt.encode(said, None, algorithm="none"),
            resource="acme/model",
            endpoint=trusting.url,
        )


@pytest.mark.parametrize("resource", ["acme/other", "acme/nowhere", "acme/data", "alice", "x/y/z"])
def test_a_resource_without_a_publisher_or_without_existence(
    trusting: EmbeddedHub, sign: Sign, resource: str
) -> None:
    """A repo that nobody made looks like one that trusts nobody: its name cannot be found out this way."""
    with pytest.raises(BadRequestError) as caught:
        exchange_oidc_token(subject_token=sign(), resource=resource, endpoint=trusting.url)

    assert "invalid_grant" == caught.value.response.json()["error"]


def test_another_grant_is_an_invalid_request(http: object, trusting: EmbeddedHub) -> None:
    """The endpoint is the one of browser logins too, which this Hub has not."""
    answer = http.post(f"{trusting.url}/oauth/token", json={"grant_type": "authorization_code", "code": "x"})

    assert (400, "invalid_request") == (answer.status_code, answer.json()["error"])


def test_a_job_s_token_makes_no_repos_and_changes_no_settings_nor_collections(
    job: Callable[[str], HfApi], owner: HfApi
) -> None:
    """It is for the files of one repo. 401 for a new repo is what the client's own note says of the real Hub."""
    api = job("acme/model")
    slug = owner.create_collection("Ours", namespace="acme").slug

    assert 401 == _status(lambda: api.create_repo("acme/new", private=True))
    assert 403 == _status(lambda: api.update_repo_settings("acme/model", private=False))
    assert 403 == _status(lambda: api.update_repo_settings("acme/model", gated="auto"))
    assert 403 == _status(lambda: api.create_collection("Theirs", namespace="acme"))
    assert 403 == _status(lambda: api.add_collection_item(slug, "acme/model", "model"))
    assert 403 == _status(lambda: api.move_repo("acme/model", "acme/moved"))
    assert 403 == _status(lambda: api.delete_repo("acme/model"))
    assert owner.repo_info("acme/model").private


def test_a_job_s_token_does_not_reach_another_repo(job: Callable[[str], HfApi], owner: HfApi) -> None:
    """A private one is not there for it; a public one is there to look at."""
    api = job("acme/model")
    with pytest.raises(RepositoryNotFoundError):
        api.repo_info("acme/other")

    assert "acme/open" == api.repo_info("acme/open").id
    assert 403 == _status(lambda: api.create_commit("acme/open", _add(), commit_message="x"))
    assert 403 == _status(lambda: api.create_commit("acme/open", _add(), commit_message="x", create_pr=True))
    assert 403 == _status(lambda: api.create_tag("acme/open", tag="v1"))
    assert 403 == _status(lambda: api.auth_check("acme/open", write=True))
    assert 1 == len(owner.list_repo_commits("acme/open"))


def test_a_publisher_that_may_only_read(job: Callable[[str], HfApi]) -> None:
    """A box in the real Hub's form."""
    api = job("acme/looked-at")

    assert "acme/looked-at" == api.repo_info("acme/looked-at").id
    assert 403 == _status(lambda: api.create_commit("acme/looked-at", _add(), commit_message="x"))


def test_a_token_for_a_user_reads_gated_repos_and_no_private_ones(
    job: Callable[[str], HfApi], owner: HfApi
) -> None:
    """So a job gets at a base whose terms its owner has accepted."""
    owner.create_repo("acme/gated")
    owner.create_commit("acme/gated", _add("terms"), commit_message="x")
    owner.update_repo_settings("acme/gated", gated="manual")
    HfApi(endpoint=owner.endpoint, token="hf_bob").create_repo("bob/own", private=True)
    api = job("bob")
    refused = _status(lambda: api.auth_check("acme/gated"))
    owner.grant_access("acme/gated", "bob")

    assert 403 == refused
    api.auth_check("acme/gated")
    with pytest.raises(RepositoryNotFoundError):
        api.repo_info("bob/own")
    assert str(api.token).startswith("hf_oauth_")


def test_a_token_is_refused_once_its_time_is_over(job: Callable[[str], HfApi]) -> None:
    """And is good until then."""
    api = job("acme/short")
    assert "acme/short" == api.repo_info("acme/short").id
    time.sleep(2)

    assert 401 == _status(lambda: api.repo_info("acme/short"))


def test_whoami_has_no_answer_for_a_token_that_is_nobody_s(job: Callable[[str], HfApi]) -> None:
    """A guess about the real Hub; whoever relies on less is right either way."""
    assert 401 == _status(lambda: job("acme/model").whoami())


def test_a_token_outlives_a_restart_of_the_server(tmp_path: Path) -> None:
    """It is a statement that the data folder's key signed."""
    (tmp_path / "users.yaml").write_text(USERS)
    hub = EmbeddedHub(tmp_path / "data", users=tmp_path / "users.yaml")
    with hub:
        HfApi(endpoint=hub.url, token="hf_alice").create_repo("acme/model", private=True)
        said = {"iss": ISSUER, "aud": hub.url, "exp": time.time() + 300, **JOB}
        token = exchange_oidc_token(
            subject_token=jwt.encode(said, KEY), resource="acme/model", endpoint=hub.url
        )["access_token"]
    with hub:
        assert "acme/model" == HfApi(endpoint=hub.url, token=token).repo_info("acme/model").id


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("{}", "needs a resource"),
        ("{resource: a/b/c}", "needs a resource"),
        ("{resource: a/b, issuer: x, key: short, claims: {ref: x}}", "at least 32 bytes"),
        (f"{{resource: a/b, issuer: x, key: {KEY}, claims: {{}}}}", "needs claims"),
        (f"{{resource: a/b, issuer: x, key: {KEY}, claims: {{ref: 1}}}}", "needs claims"),
        (
            f"{{resource: a/b, issuer: x, key: {KEY}, claims: {{r: x}}, role: admin}}",
            "neither read nor write",
        ),
        (f"{{resource: a/b, issuer: x, key: {KEY}, claims: {{r: x}}, valid_for_s: 0}}", "valid_for_s"),
        (f"{{resource: a/b, issuer: x, key: {KEY}, claims: {{r: x}}, audience: y}}", "knows no audience"),
        ("text", "has no keys"),
    ],
)
def test_a_publisher_that_is_not_one_is_refused_when_the_server_starts(
    tmp_path: Path, entry: str, said: str
) -> None:
    """A claim that was mistyped away would trust every job of the issuer's."""
    file = tmp_path / "users.yaml"
    file.write_text(f"users: []\ntrusted_publishers: [{entry}]\n")
    with pytest.raises(HubpubError) as caught:
        load_publishers(file)

    assert "HP-M09" == caught.value.code
    assert said in caught.value.what
    assert KEY not in caught.value.what


def test_a_publisher_does_not_show_its_issuer_s_secret(tmp_path: Path) -> None:
    """It would stand in every traceback."""
    (tmp_path / "users.yaml").write_text(USERS)

    assert KEY not in repr(load_publishers(tmp_path / "users.yaml"))


def _status(call: Callable[[], object]) -> int:
    with pytest.raises(HfHubHTTPError) as caught:
        call()
    return caught.value.response.status_code
