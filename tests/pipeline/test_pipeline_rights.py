"""Rights as far as they can be known: what the token's kind, our role and the token's scopes say."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from publisher.errors import HubpubError
from publisher.hub.port import Account
from publisher.hub.remote import RemoteHub
from publisher.pipeline.rights import Asker
from publisher.records.artifacts import RepoRef
from publisher.staging.server import EmbeddedHub

NEW = RepoRef("acme/not-there-yet")


def _answers(
    hub: RemoteHub, account: Account | None, refusal: HubpubError | None = None, **wanted: Any
) -> dict:
    asked = {"private": False, "collection": "Aerial", "owner": "acme", **wanted}
    rights = Asker(hub, account, refusal).rights(NEW, **asked)
    return {right.name: right.answer for right in rights}


def _account(role: str, mine: str = "", **scopes: set[str]) -> Account:
    member = ("acme",) if mine else ()
    return Account(
        "carol", member, role, {"acme": mine} if mine else {}, {k: frozenset(v) for k, v in scopes.items()}
    )


@pytest.mark.parametrize(
    ("account", "create", "settings", "collection"),
    [
        (_account("write", "admin"), "ok", "ok", "ok"),
        (_account("write", "write"), "ok", "ok", "ok"),
        (_account("write", "contributor"), "ok", "unknown", "unknown"),
        (_account("write", "read"), "missing", "missing", "missing"),
        (_account("write"), "missing", "missing", "missing"),
        (_account("read", "admin"), "missing", "missing", "missing"),
        (_account("", "admin"), "unknown", "unknown", "unknown"),
        (_account("fineGrained", "admin", acme={"repo.write"}), "ok", "ok", "unknown"),
        (_account("fineGrained", "admin", acme={"repo.write", "collection.write"}), "ok", "ok", "ok"),
        (_account("fineGrained", "admin", acme={"repo.content.read"}), "missing", "missing", "unknown"),
        (_account("fineGrained", "admin"), "unknown", "unknown", "unknown"),
    ],
)
def test_what_each_kind_of_token_may_do_in_an_organisation(
    alice: RemoteHub, account: Account, create: str, settings: str, collection: str
) -> None:
    """Never `ok` where only the attempt would tell, and never `missing` where it might work."""
    assert {"create": create, "write": create, "settings": settings, "collection": collection} == _answers(
        alice, account
    )


def test_what_is_not_needed_is_not_missing(alice: RemoteHub) -> None:
    """A private release without a collection needs neither right."""
    answers = _answers(alice, _account("write", "contributor"), private=True, collection=None)

    assert ("ok", "ok") == (answers["settings"], answers["collection"])


@pytest.mark.parametrize(("code", "answer"), [("HP-H02", "missing"), ("HP-H01", "unknown")])
def test_without_an_account_nothing_is_there_or_nothing_is_known(
    alice: RemoteHub, code: str, answer: str
) -> None:
    """A missing token is a missing right; a Hub that cannot be reached says nothing."""
    refusal = HubpubError(code, "said no", hint="log in")

    assert {answer} == set(_answers(alice, None, refusal).values())


@pytest.fixture
def fine_grained(tmp_path: Path) -> Iterator[RemoteHub]:
    """Carol's token writes in acme, and reads one repo of alice's."""
    token = {"token": "hf_some", "role": "fineGrained", "scopes": {"acme": "write", "alice/model": "read"}}
    users = [
        {"name": "alice", "tokens": [{"token": "hf_alice"}]},
        {"name": "carol", "organisations": ["acme"], "tokens": [token]},
    ]
    (tmp_path / "users.yaml").write_text(json.dumps(users))
    with EmbeddedHub(tmp_path / "hub", users=tmp_path / "users.yaml") as hub:
        RemoteHub(hub.url, "hf_alice", "hub.test").create(RepoRef("alice/model"), private=True)
        yield RemoteHub(hub.url, "hf_some", "hub.test")


def test_a_fine_grained_token_s_scopes_are_read_from_whoami(fine_grained: RemoteHub) -> None:
    """And held against what the Hub then allows."""
    account = fine_grained.account()
    asker = Asker(fine_grained, account)
    theirs = asker.rights(RepoRef("alice/model"), private=False, collection=None, owner="alice")
    fine_grained.create(NEW, private=True)

    assert ("carol", "fineGrained", {"acme", "alice/model"}) == (
        account.name,
        account.role,
        account.scopes.keys(),
    )
    assert "repo.write" in account.scopes["acme"]
    assert {"create": "ok", "write": "missing", "settings": "missing", "collection": "ok"} == {
        right.name: right.answer for right in theirs
    }
    assert fine_grained.refusal(NEW, write=True) is None


def test_a_scope_for_one_repo_makes_no_other() -> None:
    """Its settings may be changed with it; a repo that is not there has none."""
    account = _account("fineGrained", "admin", **{NEW.repo_id: {"repo.write"}})
    hub = RemoteHub("https://hub.example", "hf_x", "hub.example")
    asker = Asker(hub, account)

    assert ("missing", "ok") == (asker._create(NEW).answer, asker._settings(NEW).answer)
