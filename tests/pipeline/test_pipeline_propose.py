"""`--propose` in the pipeline: who may, and which stages are left to the repos' owners."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import Any

import pytest

from publisher.errors import HubpubError
from publisher.hub.remote import RemoteHub
from publisher.pipeline.release import Release
from publisher.pipeline.services import LastVersion, Source, Wishes
from publisher.pipeline.stages import STAGES
from publisher.pipeline.steps.preflight import preflight
from publisher.records.artifacts import RepoRef
from publisher.records.plans import Plan, RepoPlan, Step
from publisher.records.receipts import Staged

CHANGED = Plan("http://hub.test", "hub.test", "tiny", "1.0.0", "1.0.0", (
    RepoPlan(RepoRef("alice/tiny"), "merged", True, "c" * 40, (Step("upload", "a.txt", 1, "0" * 64),)),
))  # fmt: skip


def test_who_may_only_read_may_still_propose(
    open_release: Callable[..., Release], bob: RemoteHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That is whom it is for; and whoever is refused is told of it."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, package=None: object())
    release = open_release()

    def looked(wishes: Wishes) -> str:
        source, last = Source(bob), LastVersion(None)
        found = preflight(release.paths, bob, source, release.manifest, release.identity, wishes, last)
        return found.account

    with pytest.raises(HubpubError) as caught:
        looked(Wishes())

    assert ("HP-H03", True) == (caught.value.code, "--propose" in caught.value.hint)
    assert "bob" == looked(Wishes(propose=True))


@pytest.mark.parametrize(
    ("proposals", "expected"),
    [
        ({"alice/tiny": 3}, {"promote": "proposed: merge the pull requests", "propose": None}),
        ({}, {"promote": None, "propose": "only with --propose"}),
    ],
)
def test_what_waits_on_pull_requests_is_not_promoted(
    open_release: Callable[..., Release], proposals: dict[str, int], expected: dict[str, str | None]
) -> None:
    """Main, tags, visibility and the receipt are for after the merge."""
    made: dict[Any, Any] = {
        Plan: CHANGED,
        Staged: Staged({"alice/tiny": "d" * 40}, ("alice/tiny",), proposals),
    }
    manifest = open_release().manifest
    reasons = {stage.name: stage.unwanted(manifest, made) for stage in STAGES if stage.needs.get("plan")}

    assert expected == {name: reasons[name] for name in expected}
    assert expected["promote"] == reasons["receipt"]


def test_where_nothing_changes_nothing_is_proposed(open_release: Callable[..., Release]) -> None:
    """The stages say so, as they do on any other run."""
    made: dict[Any, Any] = {
        Plan: Plan("http://hub.test", "hub.test", "tiny", "1.0.0", "1.0.0", ()),
        Staged: None,
    }
    manifest = open_release().manifest
    reasons = {
        stage.name: stage.unwanted(manifest, made) for stage in STAGES if stage.name in ("promote", "receipt")
    }

    assert {"promote": "nothing to do", "receipt": "nothing to do"} == reasons
