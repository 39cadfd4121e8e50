"""A whole release, from data to receipt, on the embedded Hub, looked at with the unmodified client."""

from __future__ import annotations

import json
import shutil

import pytest
from release_room import PLANTED, Ran, Repo, Room

pytestmark = [pytest.mark.models, pytest.mark.long]

REPOS = {
    "base": "acme/tiny-base",
    "dataset": "acme/tiny-data",
    "adapter": "acme/tiny-lora",
    "merged": "acme/tiny",
    "nf4": "acme/tiny-bnb-4bit",
}


@pytest.fixture(scope="module")
def published(released_whole: tuple[Room, Ran]) -> dict[str, Repo]:
    room, ran = released_whole
    assert ran.code == 0, ran.err
    return room.published()


def test_every_stage_works_and_the_end_names_repos_receipt_and_what_to_commit(
    released_whole: tuple[Room, Ran],
) -> None:
    """What a user sees must say that it is done, where it is, and what comes next."""
    _, ran = released_whole

    assert ran.code == 0, ran.err
    stages = (
        "preflight resolve dataset train merge quantize validate evaluate gates tensors version changes card check "
        "package plan"
    )
    assert f"{stages} publish verify promote receipt".split() == ran.worked
    assert {
        "convertible": "no GGUF file is made here",
        "imported": "the manifest names no record of a training made elsewhere",
        "benchmarks": "the manifest names no results of benchmarks",
        "gguf": "gguf is not among the artifacts",
        "variants": "no weights were quantized elsewhere",
        "sign": "the manifest names no key to sign with",
    } == ran.skipped
    assert ran.out.startswith("Released tiny 1.0.0 on http://127.0.0.1:")
    assert all(repo_id in ran.out for repo_id in REPOS.values())
    assert ".hubpub/tiny/hubs/local/receipts/1.0.0.json" in ran.out
    assert "git add model_cards/tiny" in ran.out


def test_main_of_every_repo_is_one_commit_with_its_tag_and_no_branch_is_left(
    published: dict[str, Repo],
) -> None:
    """Everything appears at once, or nothing does."""
    assert set(REPOS.values()) == set(published)
    for repo_id, repo in published.items():
        kind = next(kind for kind, each in REPOS.items() if each == repo_id)
        assert [f"tiny 1.0.0: {kind}", "initial commit"] == repo.commits
        assert {"main"} == set(repo.branches)
        assert {"v1.0.0": repo.branches["main"]} == repo.tags


def test_the_hub_serves_exactly_what_lies_in_the_workspace(
    released_whole: tuple[Room, Ran], published: dict[str, Repo]
) -> None:
    """A byte that differs was never proven."""
    room, _ = released_whole

    for kind, repo_id in REPOS.items():
        assert room.artifact(kind) == published[repo_id].files


def test_each_repo_is_as_visible_as_the_manifest_says(published: dict[str, Repo]) -> None:
    """Going public by accident cannot be taken back."""
    private = {repo_id for repo_id, repo in published.items() if repo.private}

    assert {"acme/tiny-data"} == private


def test_the_collection_holds_all_repos(released_whole: tuple[Room, Ran]) -> None:
    """It is how a visitor of one repo finds the others."""
    room, _ = released_whole
    with room.hub() as api:
        (found,) = api.list_collections(owner="acme")
        items = [item.item_id for item in api.get_collection(found.slug).items]

    assert "Tiny Sums" == found.title
    assert list(REPOS.values()) == items


def test_each_card_has_its_front_matter_and_the_authors_words(published: dict[str, Repo]) -> None:
    """The Hub indexes by front matter; without it nobody finds the model."""
    from huggingface_hub import ModelCard

    relations = {"acme/tiny-lora": "adapter", "acme/tiny": "finetune", "acme/tiny-bnb-4bit": "quantized"}
    for repo_id in ("acme/tiny-lora", "acme/tiny", "acme/tiny-bnb-4bit"):
        card = ModelCard(published[repo_id].files["README.md"].decode())
        assert "apache-2.0" == card.data.license
        assert relations[repo_id] == card.data.base_model_relation
        assert "It was trained on twelve sums and cannot add." in card.text
    adapter = ModelCard(published["acme/tiny-lora"].files["README.md"].decode())
    assert "acme/tiny-base" == adapter.data.base_model
    assert "peft" == adapter.data.library_name
    assert ["acme/tiny-data"] == adapter.data.datasets


def test_the_adapter_names_its_base_as_the_hub_knows_it(published: dict[str, Repo]) -> None:
    """A local path in adapter_config.json makes an adapter that nobody else can load."""
    config = json.loads(published["acme/tiny-lora"].files["adapter_config.json"])

    assert ("acme/tiny-base", "v1.0.0") == (config["base_model_name_or_path"], config["revision"])


def test_receipt_lock_and_facts_are_as_promised(
    released_whole: tuple[Room, Ran], published: dict[str, Repo]
) -> None:
    """Scripts read them."""
    room, _ = released_whole
    receipt, facts, lock = (
        room.document("hubs/local/receipts/1.0.0.json"),
        room.document("facts.json"),
        room.lock(),
    )

    assert ("hubpub/receipt/1", "tiny", "1.0.0", "run") == tuple(
        receipt[key] for key in ("schema", "name", "version", "proof")
    )
    assert list(REPOS.items()) == [(r["artifact"], r["repo_id"]) for r in receipt["repos"]]
    for repo in receipt["repos"]:
        assert published[repo["repo_id"]].branches["main"] == repo["commit"]
        assert ("v1.0.0", repo["repo_id"] == "acme/tiny-data") == (
            repo["tag"],
            repo["visibility"] == "private",
        )
        assert set(published[repo["repo_id"]].files) == {file["path"] for file in repo["files"]}
    assert "hubpub/facts/1" == facts["schema"]
    assert {"id", "value", "unit", "status", "stage", "source", "stand_in"} == set(facts["facts"][0])
    assert {"train.final_loss", "evaluate.merged.loss", "nf4.size_bytes"} <= {f["id"] for f in facts["facts"]}
    assert "hubpub/lock/1" == lock["schema"]
    assert {REPOS[kind] for kind in lock["artifacts"]} == {a["repo"] for a in lock["artifacts"].values()}
    assert {"local": "1.0.0"} == {host: last["version"] for host, last in lock["released"].items()}
    assert {repo_id: repo.branches["main"] for repo_id, repo in published.items()} == lock["released"][
        "local"
    ]["commits"]


def test_no_token_and_no_path_of_this_machine_is_in_anything_that_was_written(
    released_whole: tuple[Room, Ran],
) -> None:
    """What is committed or published is read by strangers."""
    room, _ = released_whole
    token = (room.root / ".hubpub" / "_hub" / "token").read_text().strip()
    written = [f for f in (*room.workspace.rglob("*"), *room.cards.rglob("*")) if f.is_file()]

    for file in written:
        content = file.read_bytes()
        assert token.encode() not in content, file
        assert PLANTED.encode() not in content, file
    for folder in (room.workspace / "artifacts", room.workspace / "hubs", room.cards):
        for file in folder.rglob("*"):
            assert not file.is_file() or str(room.root).encode() not in file.read_bytes(), file


def test_the_same_command_again_does_nothing_and_starts_no_child(whole: Room) -> None:
    """A release that is done must cost nothing to ask for again."""
    before, children = whole.published(), whole.children()
    ran = whole.release()

    assert 0 == ran.code, ran.err
    assert "nothing to do" in ran.out
    assert ran.seconds < 5
    assert children == whole.children()
    assert before == whole.published()
    assert not {"resolve", "dataset", "train", "merge", "quantize", "validate", "evaluate"} & set(ran.worked)


def test_a_copied_project_goes_on_from_its_own_files(whole: Room) -> None:
    """A workspace that remembers where it once lay would publish from the old place, or train again."""
    kept = [whole.document(f"stages/{stage}.json") for stage in ("resolve", "dataset", "train", "merge")]
    folders = [stage["result"]["artifact"]["folder"] for stage in kept]

    assert [f"artifacts/{kind}" for kind in ("base", "dataset", "adapter", "merged")] == folders


def test_a_change_of_prose_is_a_card_revision_and_the_tag_stays(whole: Room) -> None:
    """Better words are no new weights."""
    before, children = whole.published(), whole.children()
    (whole.cards / "limitations.md").write_text("It cannot add, and it knows nothing else.\n")
    ran = whole.release()
    after = whole.published()

    assert 0 == ran.code, ran.err
    assert "card" == next(
        stage for stage in ran.worked if stage not in ("preflight", "gates", "version", "changes")
    )
    assert children == whole.children(), "weights and code blocks are what they were: nothing to prove again"
    for repo_id, repo in after.items():
        assert before[repo_id].tags == repo.tags
        changed = {p for p in repo.files if repo.files[p] != before[repo_id].files.get(p)}
        kind = next(kind for kind, each in REPOS.items() if each == repo_id)
        assert changed <= {"README.md"}
        if changed:
            assert f"tiny 1.0.0+card.1: {kind}" == repo.commits[0]
    assert b"knows nothing else" in after["acme/tiny"].files["README.md"]
    assert "1.0.0+card.1" == whole.document("hubs/local/receipts/1.0.0+card.1.json")["version"]
    again = json.loads(whole.release("--format", "json").out)
    assert ("hubpub/release/1", "tiny", "nothing to do") == tuple(
        again[key] for key in ("schema", "name", "state")
    )


def test_without_its_workspace_a_release_can_be_looked_at_and_taken_up_again(whole: Room) -> None:
    """`.hubpub/` is a cache; a fresh checkout has the lock and the cards."""
    before, adapter = whole.published(), whole.artifact("adapter")
    shutil.rmtree(whole.workspace)
    card, plan = whole.run("card", "tiny", "--check"), whole.run("plan", "tiny", "--hub", "local")
    status = whole.run("status", "tiny", "--hub", "local")

    assert (0, 0, 0) == (card.code, plan.code, status.code), card.err + plan.err + status.err
    assert "nothing to do" in plan.out
    assert "released 1.0.0 on local" in status.out
    for stage in ("train", "merge", "validate", "evaluate"):
        assert f"skips  {stage:<10} will be restored as the lock has it" in status.out
    assert not whole.workspace.exists()

    ran = whole.release()

    assert 0 == ran.code, ran.err
    assert "nothing to do" in ran.out
    assert "restored as the lock has it" == ran.skipped["train"]
    assert {} == whole.children(), "nothing is trained, merged or validated again"
    assert adapter == whole.artifact("adapter")
    assert before == whole.published()


def test_on_a_fresh_checkout_other_training_settings_are_refused_without_train(whole: Room) -> None:
    """Everybody has the published weights; another training must be meant."""
    shutil.rmtree(whole.workspace)
    whole.edit("learning_rate: 1e-2", "learning_rate: 2e-2")
    ran = whole.release()

    assert (2, ["HP-R03"]) == (ran.code, ran.errors)
    assert "hubpub release tiny --hub local --train" in ran.err
    assert {} == whole.children()


def test_a_gate_that_is_missed_stops_before_words_and_hub(whole: Room) -> None:
    """A model that misses its bounds is not written about, let alone published."""
    before = whole.published()
    whole.manifest.write_text(whole.manifest.read_text() + "gates: {evaluate.merged.loss: {max: 0.001}}\n")
    ran = whole.release("1.1.0")

    assert (1, ["HP-E09"]) == (ran.code, ran.errors)
    assert "evaluate.merged.loss is" in ran.err
    assert before == whole.published()


def test_fetching_alone_proves_the_bytes_of_a_release(whole: Room) -> None:
    """On a machine without torch there is still something to be said."""
    children = whole.children()
    ran = whole.run("verify", "tiny", "--hub", "local", "--proof", "static", "--format", "json")

    assert 0 == ran.code, ran.err
    told = json.loads(ran.out)
    assert ("hubpub/verify/1", "static") == (told["schema"], told["proof"])
    assert list(REPOS.values()) == [repo["repo_id"] for repo in told["repos"]]
    assert children == whole.children()
