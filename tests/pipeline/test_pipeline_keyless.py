"""A keyless run is stopped before anything is made, and once more before anything is sent."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ci_issuer import VARIABLES, running_runner, trusted

from publisher.errors import HubpubError
from publisher.evidence.files import inventory
from publisher.hub.remote import RemoteHub
from publisher.hub.target import open_hub
from publisher.pipeline.look import preflight_problems
from publisher.pipeline.release import Release
from publisher.pipeline.services import LastVersion, Wishes
from publisher.pipeline.steps.releasing import Packages, plan
from publisher.records.artifacts import Artifact, RepoRef
from publisher.records.plans import Package
from publisher.records.receipts import Version
from publisher.records.runs import Base
from publisher.staging.server import EmbeddedHub

DATA = RepoRef("alice/tiny-data", "dataset")
USERS = {
    "users": [{"name": "alice", "tokens": [{"token": "hf_alice"}]}],
    "trusted_publishers": trusted("datasets/alice/tiny-data"),
}


@pytest.fixture
def trusting(tmp_path: Path) -> Iterator[EmbeddedHub]:
    (tmp_path / "users.yaml").write_text(json.dumps(USERS))
    with EmbeddedHub(tmp_path / "hub", users=tmp_path / "users.yaml") as running:
        yield running


@pytest.fixture
def owner(trusting: EmbeddedHub) -> RemoteHub:
    return RemoteHub(trusting.url, "hf_alice", "hub.test")


@pytest.fixture
def keyless(trusting: EmbeddedHub, monkeypatch: pytest.MonkeyPatch) -> Iterator[RemoteHub]:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    with running_runner() as runner:
        for name, value in runner.variables.items():
            monkeypatch.setenv(name, value)
        yield open_hub(trusting.url, lambda: ("", ""))


def _problems(release: Release, hub: RemoteHub) -> list[HubpubError]:
    found = preflight_problems(release, hub, hub.for_reading())
    return [problem for problem in found if problem.code != "HP-E01"]  # on the light core


def test_preflight_stops_what_a_keyless_run_may_not_do(
    open_release: Callable[..., Release], owner: RemoteHub, keyless: RemoteHub
) -> None:
    """An hour of training must not end at a repo that nobody made; once it is reserved, nothing is in the way."""
    release = open_release()
    (problem,) = _problems(release, keyless)
    owner.create(DATA, private=True)

    assert ("HP-H03", 3) == (problem.code, problem.exit_code)
    assert "hubpub release tiny --reserve" in problem.hint
    assert [] == _problems(release, keyless)


def test_a_plan_that_a_keyless_run_could_only_begin_is_shown_and_not_confirmed(
    open_release: Callable[..., Release], owner: RemoteHub, keyless: RemoteHub, notes: object, tmp_path: Path
) -> None:
    """Whoever changed the visibility after preflight is seen here; nothing was sent."""
    owner.create(DATA, private=False)
    release = open_release()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "rows.parquet").write_bytes(b"PAR1")
    packages = Packages(
        [Package("dataset", DATA, str(tmp_path / "out"), inventory(tmp_path / "out"), (), private=True)]
    )
    settings = {
        "wishes": Wishes(yes=True),
        "listener": notes,
        "manifest": release.manifest,
        "identity": release.identity,
        "last": LastVersion(None),
        "packages": packages,
        "version": Version("1.0.0"),
        "base": Base(Artifact("base", "", ()), ()),
        "merged": None,
    }
    with pytest.raises(HubpubError) as caught:
        plan(keyless, **settings)

    assert "HP-H03" == caught.value.code
    assert ["a keyless run does not make alice/tiny-data private"] == caught.value.data["work"]
    assert plan(owner, **settings).changes_anything
