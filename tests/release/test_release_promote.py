"""Stage, verify, promote: three repos appear on main, proven, or none does."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from release_family import CARD, FailingHub, Family, look, push, read

from publisher.errors import HubpubError
from publisher.hub.remote import RemoteHub
from publisher.records.receipts import Proven
from publisher.release.receipt import keep_receipt, make_receipt
from publisher.release.verify import verify
from publisher.staging.server import EmbeddedHub


def git(embedded: EmbeddedHub, repo_id: str, *arguments: str) -> str:
    (folder,) = (embedded._data / "repos").glob(f"*--{repo_id.replace('/', '--')}--*.git")
    done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=True)
    return done.stdout


def test_until_promotion_main_is_as_it_was_and_everything_is_private(hub: RemoteHub, family: Family) -> None:
    """A model that turns out broken when it is fetched back was never published."""
    plan = family.plan(hub)
    staged = family.stage(hub, plan)
    family.verify(hub, plan, staged)
    seen = [look(hub, family.ref(kind)) for kind in family.kinds]

    assert [[".gitattributes"]] * 3 == [list(repo.files) for repo in seen]
    assert [("hubpub/v1.0.0", "main")] * 3 == [repo.branches for repo in seen]
    assert [(True, ["hubpub/v1.0.0/run"])] * 3 == [(repo.private, list(repo.tags)) for repo in seen]
    assert ["dataset", "adapter", "merged"] == family.proofs


def test_a_promoted_release_is_one_commit_a_repo_with_the_tag_at_it(
    hub: RemoteHub, family: Family, embedded: EmbeddedHub
) -> None:
    """One commit, an annotated tag that says how it was proven, the visibility asked for, no branch left."""
    plan, promoted = family.release(hub)

    for kind in family.kinds:
        ref = family.ref(kind)
        seen = look(hub, ref)
        message = git(embedded, ref.repo_id, "cat-file", "tag", "v1.0.0")
        ours = {path.path for package in family.packages() if package.kind == kind for path in package.files}

        assert ours == seen.files.keys() - {".gitattributes"}
        assert f"demo 1.0.0: {kind}" == seen.commits[0]
        assert 2 == len(seen.commits)
        assert {"v1.0.0": seen.files} == seen.tags
        assert ("main",) == seen.branches
        assert (kind != "merged") == seen.private
        assert (
            promoted.commits[ref.repo_id]
            == git(embedded, ref.repo_id, "rev-parse", "v1.0.0^{commit}").strip()
        )
        assert "proof: run" in message
        assert f"hubpub: demo 1.0.0 {plan.digest[:16]}" in git(
            embedded, ref.repo_id, "log", "-1", "--format=%b"
        )


def test_others_come_before_what_points_to_them(hub: RemoteHub, family: Family) -> None:
    """Dataset, adapter, merged: nobody meets a card whose links lead nowhere."""
    watched = FailingHub(hub, at=0, fault=AssertionError())
    family.release(watched)  # type: ignore[arg-type]
    lines = [json.loads(line) for line in family.journal.file.read_text().splitlines()]
    done = [line["repo"] for line in lines if line["event"] == "done" and line["step"] == "promote"]

    assert [family.ref(kind).repo_id for kind in ("dataset", "adapter", "merged")] == done


def test_a_large_file_that_no_one_has_yet_arrives_whole(hub: RemoteHub, adapter: Family) -> None:
    """Over ten megabytes, where the Hub wants LFS whatever the name."""
    content = bytes(range(256)) * 41_000
    adapter.write("adapter", "notes.txt", content)
    arrived: list[int] = []
    plan = adapter.plan(hub)
    staged = adapter.stage(hub, plan, arrived.append)
    adapter.promote(hub, plan, staged, adapter.verify(hub, plan, staged))
    listed = {file.path: file for file in hub.tree(adapter.ref("adapter"), "main")}

    assert listed["notes.txt"].sha256 is not None
    assert content == read(hub, adapter.ref("adapter"), "notes.txt")
    assert plan.bytes_to_upload == sum(arrived)


def test_the_same_release_again_has_nothing_to_do_and_does_nothing(hub: RemoteHub, family: Family) -> None:
    """A second run changes nothing, so that CI may run it on every push."""
    family.release(hub)
    before = [look(hub, family.ref(kind)) for kind in family.kinds]
    watched = FailingHub(hub, at=0, fault=AssertionError())
    plan, _ = family.release(watched)  # type: ignore[arg-type]

    assert (False, 0, "1.0.0") == (plan.changes_anything, plan.bytes_to_upload, plan.label)
    assert [] == watched.done
    assert before == [look(hub, family.ref(kind)) for kind in family.kinds]
    assert ["dataset", "adapter", "merged"] == family.proofs


def test_a_plan_names_every_change_and_sends_nothing(hub: RemoteHub, family: Family) -> None:
    """The plan is what gets confirmed."""
    plan = family.plan(hub)
    operations = [(step.op, step.path) for step in plan.repo("merged").operations]

    assert [
        ("create", None),
        ("upload", "README.md"),
        ("upload", "config.json"),
        ("upload", "model.safetensors"),
        ("tag", "v1.0.0"),
        ("visibility", "public"),
    ] == operations
    assert [None] * 3 == [hub.state(family.ref(kind)) for kind in family.kinds]
    assert sum(f.size for p in family.packages() for f in p.files) == plan.bytes_to_upload


def test_without_a_proof_nothing_is_promoted(hub: RemoteHub, family: Family) -> None:
    """All repos are proven before the first is promoted: one proof that is missing stops all."""
    plan = family.plan(hub)
    staged = family.stage(hub, plan)
    proven = family.verify(hub, plan, staged)
    with pytest.raises(HubpubError) as caught:
        family.promote(hub, plan, staged, Proven(proven.proofs[:-1]))

    assert "HP-R02" == caught.value.code
    assert [1] * 3 == [len(look(hub, family.ref(kind)).commits) for kind in family.kinds]


def test_a_model_that_does_not_load_is_not_promoted_and_goes_on_from_there(
    hub: RemoteHub, adapter: Family
) -> None:
    """What was staged stays staged; the next run sends nothing again."""

    class BrokenError(Exception):
        pass

    def broken(_: object) -> dict[str, object]:
        raise BrokenError

    plan = adapter.plan(hub)
    staged = adapter.stage(hub, plan)
    with pytest.raises(BrokenError):
        verify(
            hub, plan, adapter.packages(), staged, adapter.journal,
            level="run", prove=broken, proof_key=lambda package: package.digest,
        )  # fmt: skip
    watched = FailingHub(hub, at=0, fault=AssertionError())
    again = adapter.stage(watched, adapter.plan(hub))  # type: ignore[arg-type]

    assert (staged, []) == (again, watched.done)
    assert 1 == len(look(hub, adapter.ref("adapter")).commits)


def test_a_static_proof_runs_nothing_and_says_so_in_the_tag(
    hub: RemoteHub, adapter: Family, embedded: EmbeddedHub
) -> None:
    """The word *verified* belongs to `run`; a lower proof must be readable from the tag."""
    plan = adapter.plan(hub)
    staged = adapter.stage(hub, plan)
    proven = verify(
        hub, plan, adapter.packages(), staged, adapter.journal,
        level="static", prove=lambda package: pytest.fail("ran"), proof_key=lambda package: package.digest,
    )  # fmt: skip
    adapter.promote(hub, plan, staged, proven)

    assert "proof: static" in git(embedded, adapter.ref("adapter").repo_id, "cat-file", "tag", "v1.0.0")


def test_the_collection_holds_every_repo_of_the_release(
    hub: RemoteHub, make_family: Callable[..., Family], embedded: EmbeddedHub
) -> None:
    """Only where the manifest names one."""
    from huggingface_hub import HfApi

    family = make_family(("dataset", "adapter"), collection="Aerial")
    _, promoted = family.release(hub)
    found = HfApi(endpoint=embedded.url, token=embedded.token).get_collection(str(promoted.collection))

    assert [family.ref(kind).repo_id for kind in family.kinds] == [item.item_id for item in found.items]


def test_a_repo_that_shall_become_private_is_so_before_anything_is_sent(
    hub: RemoteHub, make_family: Callable[..., Family]
) -> None:
    """What must not be seen must not lie on a branch of a public repo either."""
    family = make_family(("adapter",), public=("adapter",))
    family.release(hub)
    family.public = ()
    family.write("adapter", "README.md", CARD.format("secret plans").encode())
    plan = family.plan(hub)
    family.stage(hub, plan)

    assert look(hub, family.ref("adapter")).private


def test_the_receipt_says_what_is_on_main(hub: RemoteHub, family: Family, tmp_path: Path) -> None:
    """An edited card that was kept is in it as edited."""
    family.release(hub)
    edited = CARD.format("edited on the website").encode()
    push(hub, family.ref("adapter"), ("README.md", edited))
    family.write("merged", "README.md", CARD.format("better words").encode())
    plan, promoted = family.release(hub)
    receipt = make_receipt(
        hub, plan, family.packages(), promoted, proof="run", checks={}, environment={"hubpub": "0"}
    )
    file = keep_receipt(receipt, tmp_path / "local")
    written = json.loads(file.read_text())

    assert ("1.0.0+card.1.json", "hubpub/receipt/1", "1.0.0+card.1") == (
        file.name,
        written["schema"],
        written["version"],
    )
    for repo, kind in zip(receipt.repos, family.kinds, strict=True):
        remote = {f.path: f for f in hub.tree(family.ref(kind), repo.commit)}
        assert {f.path: f.size for f in repo.files} == {
            path: file.size for path, file in remote.items() if path != ".gitattributes"
        }
        assert hub.state(family.ref(kind)).head == repo.commit  # type: ignore[union-attr]
    assert hub.token is not None
    assert hub.token not in file.read_text()
    assert str(tmp_path) not in file.read_text()
