"""Keyless: a CI job's ID token for a token of each repo, over the unmodified client."""

from __future__ import annotations

import inspect
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from ci_issuer import VARIABLES, Runner, id_token, running_runner, trusted
from huggingface_hub import HfApi, _oidc

from publisher.cli.output import clean
from publisher.errors import HubpubError
from publisher.hub import oidc
from publisher.hub.port import Add, Hub
from publisher.hub.remote import RemoteHub
from publisher.hub.target import open_hub
from publisher.records.artifacts import RepoRef
from publisher.staging.server import EmbeddedHub

MODEL, DATA = RepoRef("acme/model"), RepoRef("acme/data", "dataset")
USERS = {
    "users": [
        {"name": "alice", "organisations": ["acme"], "tokens": [{"token": "hf_alice"}]},
        {"name": "bob", "tokens": [{"token": "hf_bob"}]},
    ],
    "trusted_publishers": [
        *trusted("acme/model", "datasets/acme/data", "bob"),
        *trusted("acme/brief", valid_for_s=2),
        *trusted("acme/looked-at", role="read"),
    ],
}


@pytest.fixture(scope="module")
def trusting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedHub]:
    folder = tmp_path_factory.mktemp("trusting-hub")
    (folder / "users.yaml").write_text(json.dumps(USERS))  # which is YAML as well
    with EmbeddedHub(folder / "data", users=folder / "users.yaml") as running:
        owner = RemoteHub(running.url, "hf_alice", "hub.test")
        for name in ("model", "brief", "looked-at", "other"):
            owner.create(RepoRef(f"acme/{name}"), private=True)
        owner.create(DATA, private=True)
        yield running


@pytest.fixture
def owner(trusting: EmbeddedHub) -> RemoteHub:
    return RemoteHub(trusting.url, "hf_alice", "hub.test")


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def runner(monkeypatch: pytest.MonkeyPatch) -> Iterator[Runner]:
    """This process as a job of GitHub's."""
    with running_runner() as running:
        for name, value in running.variables.items():
            monkeypatch.setenv(name, value)
        yield running


@pytest.fixture
def keyless(trusting: EmbeddedHub, runner: Runner) -> RemoteHub:
    return open_hub(trusting.url, lambda: ("", ""))


def _tokens(hub: RemoteHub) -> dict[str, str]:
    assert hub.job is not None
    return {resource: held.token for resource, held in hub.job._held.items()}


def test_each_repo_is_written_with_a_token_of_its_own(keyless: RemoteHub, runner: Runner) -> None:
    """The Hub's tokens are for one repo. Each is exchanged once, when it is needed first."""
    for ref in (MODEL, DATA, MODEL):
        head = keyless.state(ref).head
        keyless.commit(ref, "main", [Add("a.txt", os.urandom(8))], title="x", body="", parent=head)
        keyless.create_branch(ref, "side", at=head)
        keyless.delete_branch(ref, "side")
    tokens = _tokens(keyless)

    assert {"acme/model", "datasets/acme/data"} == tokens.keys()
    assert 2 == len(set(tokens.values()))
    assert [keyless.endpoint] * 2 == runner.asked, "the ID token is made for this Hub"


def test_every_call_of_the_port_that_is_about_a_repo_takes_that_repo_s_token(keyless: RemoteHub) -> None:
    """A call that is added later must not go out as nobody, who sees no private repo."""
    about = [
        name
        for name, method in vars(Hub).items()
        if inspect.isfunction(method)
        and "RepoRef" in [p.annotation for p in inspect.signature(method).parameters.values()]
    ]

    assert "tree" in about
    assert [] == [name for name in about if not hasattr(getattr(RemoteHub, name), "__wrapped__")]


def test_a_token_is_made_anew_before_it_ends(keyless: RemoteHub, runner: Runner) -> None:
    """A release of many hours outlives many tokens."""
    ref = RepoRef("acme/brief")
    first = keyless.state(ref) and _tokens(keyless)["acme/brief"]
    time.sleep(1.6)
    head = keyless.state(ref).head
    second = _tokens(keyless)["acme/brief"]
    time.sleep(1.6)
    keyless.commit(ref, "main", [Add("a.txt", b"a")], title="after the end", body="", parent=head)

    assert 3 == len({first, second, _tokens(keyless)["acme/brief"]})
    assert 3 == len(runner.asked), "an ID token lasts minutes: each exchange has a fresh one"
    assert "after the end" == keyless.commits(ref, "main")[0].title


def test_a_commit_of_many_files_outlives_its_token(keyless: RemoteHub) -> None:
    """The token is asked for before each large file, not once a commit."""
    ref = RepoRef("acme/brief")
    files = [Add(f"part-{n}.safetensors", bytes([n]) * 2000) for n in range(3)]
    head = keyless.state(ref).head
    keyless.commit(
        ref, "main", files, title="slow", body="", parent=head, on_bytes=lambda *_: time.sleep(1.2)
    )

    assert "slow" == keyless.commits(ref, "main")[0].title


def test_who_we_are_is_what_the_id_token_says(keyless: RemoteHub) -> None:
    """A token for one repo is nobody's; the plan's first line still names who acts."""
    assert "repository acme/training, ref refs/heads/main, sub job" == keyless.account().name


@pytest.mark.parametrize("ref", [RepoRef("acme/other"), RepoRef("acme/nowhere")])
def test_a_repo_that_does_not_trust_the_job_says_where_to_add_it(keyless: RemoteHub, ref: RepoRef) -> None:
    """With what is to be entered there."""
    with pytest.raises(HubpubError) as caught:
        keyless.state(ref)

    assert ("HP-H03", 3) == (caught.value.code, caught.value.exit_code)
    assert (
        f"no trusted publisher of {ref.repo_id} accepts this job (repository acme/training"
        in caught.value.what
    )
    assert f"{keyless.endpoint}/{ref.repo_id}/settings" == caught.value.where


def test_claims_that_no_publisher_trusts(keyless: RemoteHub, runner: Runner) -> None:
    """Another branch is another job."""
    runner.claims = {"ref": "refs/heads/mallory"}
    with pytest.raises(HubpubError) as caught:
        keyless.tree(MODEL, "main")

    assert "HP-H03" == caught.value.code
    assert "ref refs/heads/mallory" in caught.value.what


@pytest.mark.parametrize(
    "write",
    [
        lambda hub: hub.create(RepoRef("acme/new"), private=True),
        lambda hub: hub.set_visibility(MODEL, private=False),
        lambda hub: hub.add_to_collection("acme", "Ours", [MODEL]),
        lambda hub: hub.move(MODEL, RepoRef("acme/renamed")),
    ],
)
def test_what_a_keyless_run_never_does(keyless: RemoteHub, owner: RemoteHub, write: object) -> None:
    """It says so itself, before the Hub does."""
    with pytest.raises(HubpubError) as caught:
        write(keyless)

    assert "HP-H03" == caught.value.code
    assert "a keyless run" in caught.value.what
    assert owner.state(MODEL).private


def test_a_collection_that_has_the_repos_already_is_no_work(keyless: RemoteHub, owner: RemoteHub) -> None:
    """Else no release of a collection could be keyless."""
    slug = owner.add_to_collection("acme", "Aerial", [MODEL, DATA])

    assert slug == keyless.add_to_collection("acme", "Aerial", [MODEL, DATA])
    assert keyless.collection_of(MODEL, "acme", "Another") is None


def test_a_publisher_that_may_only_read_is_told_beforehand(keyless: RemoteHub) -> None:
    """`auth-check` asks without writing."""
    ref = RepoRef("acme/looked-at")

    assert keyless.refusal(ref) is None
    assert "HP-H03" == keyless.refusal(ref, write=True).code
    assert keyless.refusal(MODEL, write=True) is None


def test_a_base_is_read_as_anyone_may_or_as_a_user_who_trusts_the_job(
    trusting: EmbeddedHub, owner: RemoteHub, runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No publisher of ours is configured on somebody else's base; a gated one needs a user who accepted its terms."""
    gated = RepoRef("acme/gated")
    owner.create(gated, private=False)
    api = HfApi(endpoint=trusting.url, token="hf_alice")
    api.update_repo_settings("acme/gated", gated="manual")
    api.grant_access("acme/gated", "bob")
    anyone = open_hub(trusting.url, lambda: ("", "")).for_reading()
    monkeypatch.setenv("HF_OIDC_RESOURCE", "bob")
    user = open_hub(trusting.url, lambda: ("", "")).for_reading()

    assert owner.state(gated).head == anyone.state(gated).head
    assert "HP-H03" == anyone.refusal(gated).code
    assert user.refusal(gated) is None
    assert owner == owner.for_reading()


def test_keyless_is_for_jobs_without_a_token(
    trusting: EmbeddedHub, runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A token that is there is meant to be used, unless the job asks for its own way."""
    monkeypatch.setenv("HF_TOKEN", "hf_alice")
    with_token = open_hub(trusting.url, lambda: ("", ""))
    monkeypatch.setenv("HF_OIDC_RESOURCE", "acme/model")
    asked_for = open_hub(trusting.url, lambda: ("", ""))

    assert (False, "hf_alice") == (with_token.is_keyless, with_token.token)
    assert (True, None) == (asked_for.is_keyless, asked_for.token)


def test_a_machine_that_is_no_job_is_not_keyless(trusting: EmbeddedHub) -> None:
    """Nobody's hint should speak of CI."""
    assert not open_hub(trusting.url, lambda: ("", "")).is_keyless


def test_the_client_is_not_asked_for_a_token_of_its_own(
    runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its `get_token` would exchange for the one repo that HF_OIDC_RESOURCE names, over a network that is none here."""
    monkeypatch.setenv("HF_OIDC_RESOURCE", "acme/model")
    hub = open_hub("hf", lambda: ("", ""))

    assert (True, None, "https://huggingface.co") == (hub.is_keyless, hub.token, hub.endpoint)
    assert [] == runner.asked


def test_an_id_token_that_the_job_was_started_with(
    trusting: EmbeddedHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GitLab and others hand it over in a variable."""
    monkeypatch.setenv("HF_OIDC_ID_TOKEN", id_token(trusting.url))

    assert open_hub(trusting.url, lambda: ("", "")).state(MODEL).private


@pytest.mark.parametrize(
    ("token", "said"),
    [
        (
            lambda hub: id_token("https://huggingface.co"),
            "is meant for https://huggingface.co, and is not sent",
        ),
        (lambda hub: "nonsense", "is meant for nobody that it names"),
        (lambda hub: id_token(hub, exp=1_000), "has expired"),
    ],
)
def test_an_id_token_is_sent_to_nobody_else_than_the_hub_that_it_names(
    trusting: EmbeddedHub, monkeypatch: pytest.MonkeyPatch, token: object, said: str
) -> None:
    """Whoever gets it could publish with it where it is meant for."""
    monkeypatch.setenv("HF_OIDC_ID_TOKEN", token(trusting.url))
    with pytest.raises(HubpubError) as caught:
        open_hub(trusting.url, lambda: ("", "")).state(MODEL)

    assert "HP-H02" == caught.value.code
    assert said in caught.value.what


def test_a_job_without_the_permission_is_told_which(
    trusting: EmbeddedHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GitHub sets the variables only where the workflow asks for them."""
    monkeypatch.setenv("HF_OIDC_RESOURCE", "acme/model")
    with pytest.raises(HubpubError) as caught:
        open_hub(trusting.url, lambda: ("", "")).state(MODEL)

    assert "HP-H02" == caught.value.code
    assert "permissions: id-token: write" in caught.value.hint


def test_a_provider_that_is_ill_is_asked_again_and_then_named(keyless: RemoteHub, runner: Runner) -> None:
    """Five times, not twenty-five: what waits for the token does not try again as well."""
    runner.status = 503
    with pytest.raises(HubpubError) as caught:
        keyless.state(MODEL)

    assert ("HP-H02", 5) == (caught.value.code, len(runner.asked))
    assert "GitHub gave this job no ID token: 503" == caught.value.what


@pytest.mark.parametrize("answer", [{"token": "renamed"}, None])
def test_a_client_that_exchanges_in_another_way_is_named(
    keyless: RemoteHub, monkeypatch: pytest.MonkeyPatch, answer: object
) -> None:
    """`_oidc` is private and may change with any version."""
    if answer is None:
        monkeypatch.delattr(_oidc, "exchange_oidc_token")
    else:
        monkeypatch.setattr(_oidc, "exchange_oidc_token", lambda **_: answer)
    with pytest.raises(HubpubError) as caught:
        keyless.state(MODEL)

    assert "HP-H02" == caught.value.code
    assert "exchanges ID tokens in another way" in caught.value.what


def test_no_token_is_seen_anywhere(
    trusting: EmbeddedHub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Neither the job's nor the Hub's, in no representation, message or cleaned text."""
    given = id_token(trusting.url)
    monkeypatch.setenv("HF_OIDC_ID_TOKEN", given)
    hub = open_hub(trusting.url, lambda: ("", ""))
    hub.state(MODEL)
    (token,) = _tokens(hub).values()
    with pytest.raises(HubpubError) as caught:
        hub.state(RepoRef("acme/other"))
    error = caught.value
    said = f"{hub!r} {hub.job!r} {error!r} {error.what} {error.hint} {error.data} {error.__cause__}"

    assert not [secret for secret in (token, given) if secret[-20:] in said]
    assert "a [token] b [token]." == clean(f"a {token} b {given}.")
    assert ["acme/model"] == list(hub.job._held), "what was refused is not kept"
    assert oidc.claims_of(given)["repository"] == "acme/training"
