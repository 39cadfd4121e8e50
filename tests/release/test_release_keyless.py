"""A whole release without a token of anyone's: reserved by hand, then by a CI job with a token for each repo."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ci_issuer import VARIABLES, Runner, running_runner, trusted
from release_family import Family, look

from publisher.errors import HubpubError
from publisher.hub.remote import RemoteHub
from publisher.hub.target import open_hub
from publisher.manifest.lock import Lock, LockedArtifact, write_lock
from publisher.manifest.project import Project
from publisher.pipeline.opened import Release
from publisher.pipeline.promote import find_promotion
from publisher.release.keyless import lacking, refuse_beyond_keyless
from publisher.release.reserve import plan_reservation, reserve
from publisher.staging.server import EmbeddedHub

OWNER = "acme"
BRIEFLY_S = 2


@pytest.fixture
def trusting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[EmbeddedHub]:
    """Two repos trust the job, for two seconds at a time; a third one is trusted by nobody."""
    monkeypatch.setattr("os.fsync", lambda _: None)
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    users = {
        "users": [{"name": "alice", "organisations": [OWNER], "tokens": [{"token": "hf_alice"}]}],
        "trusted_publishers": trusted(
            f"datasets/{OWNER}/demo-dataset", f"{OWNER}/demo-adapter", valid_for_s=BRIEFLY_S
        ),
    }
    (tmp_path / "users.yaml").write_text(json.dumps(users))
    with EmbeddedHub(tmp_path / "hub", users=tmp_path / "users.yaml") as running:
        yield running


@pytest.fixture
def owner(trusting: EmbeddedHub) -> RemoteHub:
    return RemoteHub(trusting.url, "hf_alice", "hub.test")


@pytest.fixture
def runner(monkeypatch: pytest.MonkeyPatch) -> Iterator[Runner]:
    with running_runner() as running:
        for name, value in running.variables.items():
            monkeypatch.setenv(name, value)
        yield running


@pytest.fixture
def keyless(trusting: EmbeddedHub, runner: Runner) -> RemoteHub:
    return open_hub(trusting.url, lambda: ("", ""))


@pytest.fixture
def job(tmp_path: Path) -> Family:
    """What the job releases: a dataset and an adapter, private."""
    return Family(tmp_path / "job", OWNER, ("dataset", "adapter"))


def _reserve(hub: RemoteHub, family: Family) -> list[str]:
    plan = plan_reservation(hub, "demo", {kind: family.ref(kind) for kind in family.kinds})
    return [ref.repo_id for ref in reserve(hub, plan, family.journal)]


def _private(family: Family, **changed: bool) -> dict:
    return {family.ref(kind): changed.get(kind, kind not in family.public) for kind in family.kinds}


def test_a_reserved_release_goes_through_with_a_token_for_each_repo_while_tokens_end(
    owner: RemoteHub, keyless: RemoteHub, job: Family, runner: Runner
) -> None:
    """Staged, proven, promoted and tagged, by nobody's token; each token ends once on the way."""
    _reserve(owner, job)
    before = lacking(keyless, "demo", _private(job), None)
    plan = job.plan(keyless)
    refuse_beyond_keyless(keyless, plan)
    staged = job.stage(keyless, plan)
    time.sleep(BRIEFLY_S + 0.5)
    proven = job.verify(keyless, plan, staged)
    time.sleep(BRIEFLY_S + 0.5)
    promoted = job.promote(keyless, plan, staged, proven)

    assert before is None
    assert keyless.job is not None
    assert {f"datasets/{OWNER}/demo-dataset", f"{OWNER}/demo-adapter"} == keyless.job._held.keys()
    assert len(runner.asked) >= 6, "two repos, three tokens each"
    journal = job.journal.file.read_text()
    assert not [held for held in keyless.job._held.values() if held.token in journal or "hf_jwt_" in journal]
    for kind in job.kinds:
        seen = look(owner, job.ref(kind))
        assert {"v1.0.0"} == seen.tags.keys()
        assert ("main",) == seen.branches
        assert 2 == len(seen.commits), "the Hub's first, and the release"
        assert promoted.commits[job.ref(kind).repo_id] == owner.state(job.ref(kind)).tags["v1.0.0"]
    assert not job.plan(keyless).changes_anything


def test_what_a_keyless_run_leaves_is_what_a_person_s_run_leaves(
    owner: RemoteHub, keyless: RemoteHub, job: Family, make_family: Callable[..., Family]
) -> None:
    """Only the author differs."""
    _reserve(owner, job)
    job.release(keyless)
    other = make_family(("dataset", "adapter"))
    undisturbed = RemoteHub(owner.endpoint, owner.token, owner.host)
    other.owner = "alice"
    other.release(undisturbed)

    assert [look(owner, other.ref(kind)) for kind in other.kinds] == [
        look(owner, job.ref(kind)) for kind in job.kinds
    ]
    assert {"[OIDC]"} == {commit.author for commit in owner.commits(job.ref("adapter"), "main")[:1]}


def test_everything_that_a_keyless_run_lacks_is_one_error(
    owner: RemoteHub, keyless: RemoteHub, make_family: Callable[..., Family]
) -> None:
    """A repo that trusts nobody, one that shall be public, a collection: found before anything is made."""
    family = make_family(("dataset", "adapter", "merged"))
    family.owner = OWNER
    _reserve(owner, family)
    problem = lacking(keyless, "demo", _private(family, adapter=False), None)
    assert problem is not None

    assert ("HP-H03", 3) == (problem.code, problem.exit_code)
    assert [
        f"a keyless run does not make {OWNER}/demo-adapter public",
        f"no trusted publisher of {OWNER}/demo-merged accepts this job",
    ] == [what.split(" (")[0] for what in problem.data["work"]]
    assert "hubpub release demo --reserve" in problem.hint


def test_a_repo_that_was_never_reserved_stops_a_keyless_run(keyless: RemoteHub, job: Family) -> None:
    """It looks like one that trusts nobody; the hint covers both."""
    problem = lacking(keyless, "demo", _private(job), None)
    assert problem is not None

    assert "HP-H03" == problem.code
    assert 2 == len(problem.data["work"])
    with pytest.raises(HubpubError) as caught:
        job.release(keyless)
    assert "HP-H03" == caught.value.code


def test_a_collection_stops_a_keyless_run_until_a_person_has_filled_it(
    owner: RemoteHub, keyless: RemoteHub, job: Family
) -> None:
    """From then on releases are keyless."""
    _reserve(owner, job)
    problem = lacking(keyless, "demo", _private(job), "Aerial")
    owner.add_to_collection(OWNER, "Aerial", [job.ref(kind) for kind in job.kinds])
    job.collection = "Aerial"
    _, promoted = job.release(keyless)

    assert problem is not None
    assert ["a keyless run puts nothing into a collection: acme/demo-dataset, acme/demo-adapter"] == (
        problem.data["work"]
    )
    assert lacking(keyless, "demo", _private(job), "Aerial") is None
    assert str(promoted.collection).startswith(f"{OWNER}/aerial-")


def test_a_plan_that_changes_who_sees_a_repo_is_not_begun(
    owner: RemoteHub, keyless: RemoteHub, job: Family
) -> None:
    """Preflight saw it private; someone changed that, or the manifest, since."""
    _reserve(owner, job)
    job.public = ("adapter",)
    plan = job.plan(keyless)
    with pytest.raises(HubpubError) as caught:
        refuse_beyond_keyless(keyless, plan)

    assert [f"a keyless run does not make {OWNER}/demo-adapter public"] == caught.value.data["work"]
    refuse_beyond_keyless(owner, plan)


def test_a_plan_that_makes_a_repo_is_not_begun(owner: RemoteHub, keyless: RemoteHub, job: Family) -> None:
    """The same plan is fine by hand."""
    plan = job.plan(owner)
    with pytest.raises(HubpubError) as caught:
        refuse_beyond_keyless(keyless, plan)

    assert 2 == len(caught.value.data["work"])
    refuse_beyond_keyless(owner, plan)


MANIFEST = """
manifest: 1
owner: acme
base: {model: someone/base}
adapter: out
dataset: {folder: data}
artifacts:
  dataset: {repo: acme/demo-dataset}
  adapter: {repo: acme/demo-adapter, visibility: VISIBILITY}
"""


@pytest.mark.parametrize("visibility", ["public", "private"])
def test_a_keyless_promotion_that_could_only_begin_is_refused_before_the_first_repo_changes(
    owner: RemoteHub, keyless: RemoteHub, job: Family, tmp_path: Path, visibility: str
) -> None:
    """The dataset would be promoted and the adapter stay behind, at the one step that a job may not take."""
    _reserve(owner, job)
    plan = job.plan(keyless)
    job.verify(keyless, plan, job.stage(keyless, plan))
    folder = tmp_path / "checkout" / "model_cards" / "demo"
    folder.mkdir(parents=True)
    (folder / "release.yaml").write_text(MANIFEST.replace("VISIBILITY", visibility))
    locked = {p.kind: LockedArtifact(p.ref.repo_id, p.contents, p.card) for p in job.packages()}
    write_lock(folder / "release.lock.json", Lock(name="demo", artifacts=locked))
    release = Release.open(Project(tmp_path / "checkout"), "demo")
    before = [look(owner, job.ref(kind)) for kind in job.kinds]

    if visibility == "private":
        assert ["dataset", "adapter"] == [
            repo.candidate.kind for repo in find_promotion(release, keyless).repos
        ]
        return
    with pytest.raises(HubpubError) as caught:
        find_promotion(release, keyless)
    assert ("HP-H03", 3) == (caught.value.code, caught.value.exit_code)
    assert ["a keyless run does not make acme/demo-adapter public"] == caught.value.data["work"]
    assert before == [look(owner, job.ref(kind)) for kind in job.kinds]
    assert 2 == len(find_promotion(release, owner).repos), "a person may"
