"""What somebody does to a repo between plan and promotion: shown with both sides, and nothing is overwritten."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from huggingface_hub import HfApi
from release_family import CARD, Family, look, push, read

from publisher.errors import HubpubError
from publisher.hub.port import Add
from publisher.hub.remote import RemoteHub
from publisher.records.artifacts import Kind, RepoRef

OURS = CARD.format("better words").encode()
KINDS: tuple[Kind, ...] = ("dataset", "adapter")
Act = Callable[[HfApi, RepoRef], object]

ACTS: dict[str, Act] = {
    "push": lambda api, ref: api.upload_file(
        path_or_fileobj=b"theirs", path_in_repo="theirs.txt", repo_id=ref.repo_id, commit_message="Theirs"
    ),
    "deleted": lambda api, ref: api.delete_repo(ref.repo_id),
    "renamed": lambda api, ref: api.move_repo(ref.repo_id, f"{ref.repo_id}-theirs"),
    "visibility": lambda api, ref: api.update_repo_settings(ref.repo_id, private=False),
    "gating": lambda api, ref: api.update_repo_settings(ref.repo_id, gated="auto"),
    "tag": lambda api, ref: api.create_tag(ref.repo_id, tag="v1.1.0"),
}
SIDES = {
    "push": ("“Theirs” by local (theirs.txt)",),
    "deleted": ("was there when this was planned", "gone now"),
    "renamed": ("/demo-adapter was renamed", "/demo-adapter-theirs now"),
    "visibility": ("was private when this was planned", "is public now"),
    "gating": ("was open to everyone who sees it", "is gated now"),
    "tag": ("had no tag v1.1.0", "has one now"),
}


@pytest.fixture
def api(hub: RemoteHub) -> HfApi:
    """Somebody with the same rights, on the website."""
    return HfApi(endpoint=hub.endpoint, token=hub.token)


@pytest.fixture
def family(hub: RemoteHub, make_family: Callable[..., Family]) -> Family:
    """Two private repos, released, and other files here now."""
    family = make_family(KINDS)
    family.release(hub)
    for kind in KINDS:
        family.write(kind, "README.md", OURS)
    family.write("adapter", "adapter_config.json", b'{"r": 8}')
    family.write("dataset", "data/train-00000-of-00001.parquet", b"PAR1 more rows PAR1")
    return family


@pytest.mark.parametrize("what", ACTS)
def test_whatever_changes_before_anything_is_sent_stops_it(
    hub: RemoteHub, family: Family, api: HfApi, what: str
) -> None:
    """One error with both sides; not a byte of any repo was sent, also of those that nobody touched."""
    plan = family.plan(hub, asked="1.1.0")
    ACTS[what](api, family.ref("adapter"))
    arrived: list[int] = []
    with pytest.raises(HubpubError) as caught:
        family.stage(hub, plan, arrived.append)
    change = caught.value.data["changes"][0]

    assert ("HP-H05", [what], []) == (
        caught.value.code,
        [each["what"] for each in caught.value.data["changes"]],
        arrived,
    )
    assert [] == [side for side in SIDES[what] if side not in caught.value.what]
    assert change["planned"] != change["found"]
    assert "nothing was overwritten" in caught.value.hint
    assert ("main",) == look(hub, family.ref("dataset")).branches


@pytest.mark.parametrize("what", ACTS)
def test_whatever_changes_before_the_first_promotion_stops_all_of_them(
    hub: RemoteHub, family: Family, api: HfApi, what: str
) -> None:
    """The dataset comes first and nobody touched it; it waits with the other."""
    plan = family.plan(hub, asked="1.1.0")
    staged = family.stage(hub, plan)
    proven = family.verify(hub, plan, staged)
    ACTS[what](api, family.ref("adapter"))
    with pytest.raises(HubpubError) as caught:
        family.promote(hub, plan, staged, proven)

    assert ("HP-H05", [what]) == (caught.value.code, [each["what"] for each in caught.value.data["changes"]])
    assert [] == [side for side in SIDES[what] if side not in caught.value.what]
    assert "demo 1.0.0: dataset" == look(hub, family.ref("dataset")).commits[0]


@pytest.mark.parametrize("what", ["push", "deleted", "visibility", "gating"])
def test_the_next_run_plans_anew_and_goes_on(hub: RemoteHub, family: Family, api: HfApi, what: str) -> None:
    """Their file stays, a repo that is gone is made anew, what shall be private is private before bytes are sent."""
    plan = family.plan(hub, asked="1.1.0")
    staged = family.stage(hub, plan)
    proven = family.verify(hub, plan, staged)
    ACTS[what](api, family.ref("adapter"))
    with pytest.raises(HubpubError):
        family.promote(hub, plan, staged, proven)
    again, _ = family.release(hub, asked="1.1.0")
    seen = look(hub, family.ref("adapter"))
    ops = [step.op for step in again.repo("adapter").changes]

    assert ("demo 1.1.0: adapter", ("main",), True) == (seen.commits[0], seen.branches, seen.private)
    assert (what == "push") == ("theirs.txt" in seen.files)
    assert (what == "deleted") == ("create" in ops)
    assert (what == "visibility") == ("visibility" in ops)
    assert not family.plan(hub, asked="1.1.0").changes_anything


def test_a_repo_that_was_shown_while_it_should_be_proven_gets_no_bytes(
    hub: RemoteHub, adapter: Family, api: HfApi
) -> None:
    """Created private by this very run, made public by somebody before the weights came."""
    plan = adapter.plan(hub)
    arrived: list[int] = []
    ref = adapter.ref("adapter")

    class Watched:
        """The Hub, and somebody who waits for the repo to appear."""

        def __getattr__(self, name: str) -> object:
            if name != "create":
                return getattr(hub, name)

            def create(made: RepoRef, *, private: bool) -> None:
                hub.create(made, private=private)
                ACTS["visibility"](api, made)

            return create

    with pytest.raises(HubpubError) as caught:
        adapter.stage(Watched(), plan, arrived.append)  # type: ignore[arg-type]

    assert ("HP-H05", "private", "public") == (
        caught.value.code,
        caught.value.data["planned"],
        caught.value.data["found"],
    )
    assert ([], {".gitattributes"}) == (arrived, set(look(hub, ref).files))


def test_everything_that_changed_is_told_at_once(hub: RemoteHub, family: Family, api: HfApi) -> None:
    """One look at the error, one visit to the website."""
    plan = family.plan(hub, asked="1.1.0")
    ACTS["push"](api, family.ref("adapter"))
    ACTS["visibility"](api, family.ref("adapter"))
    push(hub, family.ref("dataset"), ("README.md", CARD.format("theirs").encode()))
    with pytest.raises(HubpubError) as caught:
        family.stage(hub, plan)

    assert [("dataset", "push"), ("adapter", "visibility"), ("adapter", "push")] == [
        (each["repo_id"].rsplit("-", 1)[1], each["what"]) for each in caught.value.data["changes"]
    ]
    assert (
        "“Edited on the website” by local (README.md); the plan changes README.md as well"
        in caught.value.what
    )


def test_a_long_push_is_told_in_short(hub: RemoteHub, adapter: Family) -> None:
    """An error has four lines."""
    adapter.release(hub)
    adapter.write("adapter", "README.md", OURS)
    plan = adapter.plan(hub)
    for number in range(5):
        push(hub, adapter.ref("adapter"), (f"theirs-{number}.txt", b"theirs"))
    with pytest.raises(HubpubError) as caught:
        adapter.stage(hub, plan)

    assert "and 2 more commits (theirs-0.txt, theirs-1.txt, theirs-2.txt and 2 more)" in caught.value.what


def test_a_rewritten_history_is_told(hub: RemoteHub, adapter: Family, api: HfApi) -> None:
    """The commit that the plan saw is no part of `main` any more."""
    adapter.release(hub)
    adapter.write("adapter", "README.md", OURS)
    plan = adapter.plan(hub)
    api.super_squash_history(adapter.ref("adapter").repo_id)
    with pytest.raises(HubpubError) as caught:
        adapter.stage(hub, plan)

    assert ("HP-H05", True) == (caught.value.code, "its history rewritten" in caught.value.what)


def test_a_repo_that_appears_after_the_plan_is_not_taken_over(
    hub: RemoteHub, adapter: Family, api: HfApi
) -> None:
    """The plan said: create. What is there now belongs to somebody."""
    plan = adapter.plan(hub)
    ref = adapter.ref("adapter")
    hub.create(ref, private=True)
    push(hub, ref, ("README.md", CARD.format("theirs").encode()))
    with pytest.raises(HubpubError) as caught:
        adapter.stage(hub, plan)

    assert ("HP-H05", ["created"]) == (
        caught.value.code,
        [each["what"] for each in caught.value.data["changes"]],
    )
    assert CARD.format("theirs").encode() == read(hub, ref, "README.md")


@pytest.mark.parametrize("planned", [False, True])
def test_a_branch_of_our_name_with_someone_elses_work_is_left_alone(
    hub: RemoteHub, adapter: Family, planned: bool
) -> None:
    """Staging replaces what earlier runs of ours left; this is not ours."""
    adapter.release(hub)
    adapter.write("adapter", "README.md", OURS)
    plan = adapter.plan(hub)
    ref, branch = adapter.ref("adapter"), plan.branch
    head = hub.state(ref).head  # type: ignore[union-attr]
    hub.create_branch(ref, branch, at=str(head))
    theirs = hub.commit(
        ref, branch, [Add("theirs.txt", b"theirs")], title="Theirs", body="", parent=str(head)
    )
    with pytest.raises(HubpubError) as caught:
        adapter.stage(hub, adapter.plan(hub) if planned else plan)

    assert ("HP-H05", theirs, branch) == (
        caught.value.code,
        caught.value.data["found"],
        caught.value.data["branch"],
    )
    assert "“Theirs” by local" in caught.value.what
    assert theirs == hub.state(ref).branches[branch]  # type: ignore[union-attr]


@pytest.mark.parametrize("gone", [False, True])
def test_what_is_done_to_the_staging_branch_stops_the_promotion(
    hub: RemoteHub, adapter: Family, gone: bool
) -> None:
    """It would be deleted with the branch; and a branch that is gone no longer says what was proven."""
    plan = adapter.plan(hub)
    staged = adapter.stage(hub, plan)
    proven = adapter.verify(hub, plan, staged)
    ref = adapter.ref("adapter")
    if gone:
        hub.delete_branch(ref, plan.branch)
    else:
        hub.commit(
            ref,
            plan.branch,
            [Add("theirs.txt", b"theirs")],
            title="Theirs",
            body="",
            parent=staged.commits[ref.repo_id],
        )
    with pytest.raises(HubpubError) as caught:
        adapter.promote(hub, plan, staged, proven)

    assert ("HP-H05", ["branch"]) == (
        caught.value.code,
        [each["what"] for each in caught.value.data["changes"]],
    )
    assert ("initial commit",) == look(hub, ref).commits


def test_a_repo_that_was_renamed_before_the_plan_is_named_with_its_new_id(
    hub: RemoteHub, adapter: Family, api: HfApi
) -> None:
    """Its old id still leads there; a release must not act on a repo that the manifest does not name."""
    adapter.release(hub)
    ACTS["renamed"](api, adapter.ref("adapter"))
    now = f"{adapter.ref('adapter').repo_id}-theirs"
    with pytest.raises(HubpubError) as caught:
        adapter.plan(hub)

    assert ("HP-H05", now) == (caught.value.code, caught.value.data["found"])
    assert f"{{adapter: {{repo: {now}}}}}" in caught.value.hint
