"""An adapter that somebody else trained; and everything that must stop its release."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from release_room import PLANTED, Room

pytestmark = [pytest.mark.models, pytest.mark.long]

SPY = """## Usage

```python
import os, pathlib

print("\\n".join(f"{name}={value}" for name, value in os.environ.items()))
seen = list(os.environ.values())
places = [os.environ.get("HF_HOME", "/nowhere"), "~", "~/.cache/huggingface", "~/.huggingface", "."]
for place in places:
    for file in pathlib.Path(os.path.expanduser(place)).rglob("*token*"):
        seen += [file.read_text(errors="ignore")] if file.is_file() else []
from huggingface_hub import get_token

seen.append(get_token() or "")
assert not [text for text in seen if "hf_" in text], "a token is in reach of a card's code"
suspicious = [name for name in os.environ if "TOKEN" in name or "SECRET" in name or name.startswith("AWS_")]
assert suspicious == ["TOKENIZERS_PARALLELISM"], suspicious
```
"""


def test_an_adopted_adapter_is_released_as_it_is(released_adopted: Room, tiny_adapter: Path) -> None:
    """There is no training, so nothing speaks of one; the weights are the author's, byte for byte."""
    published = released_adopted.published()
    adapter = published["acme/adopted-lora"].files
    card = adapter["README.md"].decode()

    assert {"acme/adopted-base", "acme/adopted-data", "acme/adopted-lora"} == set(published)
    assert all(repo.private and set(repo.tags) == {"v1.0.0"} for repo in published.values())
    assert (tiny_adapter / "adapter_model.safetensors").read_bytes() == adapter["adapter_model.safetensors"]
    assert "## Training" not in card
    assert "More Information Needed" not in card
    assert not [fact for fact in released_adopted.lock()["facts"] if fact["id"].startswith("train.")]


def test_what_the_hub_serves_can_be_proven_again(adopted: Room) -> None:
    """A year later somebody asks: does it still work?"""
    ran = adopted.run("verify", "adopted", "--hub", "local")

    assert 0 == ran.code, ran.err
    assert 3 == len(re.findall(r"^✓ acme/adopted-\w+ at [0-9a-f]{8}: \d+ files", ran.out, re.MULTILINE))
    assert 3 == ran.out.count("loaded and run")


def test_bytes_that_changed_on_the_hub_are_found(adopted: Room) -> None:
    """Storage rots, and people push."""
    with adopted.hub() as api:
        api.upload_file(
            path_or_fileobj=b"{}", path_in_repo="adapter_config.json", repo_id="acme/adopted-lora"
        )
    moved = adopted.lock()
    with adopted.hub() as api:
        head = api.repo_info("acme/adopted-lora").sha
    moved["released"]["local"]["commits"]["acme/adopted-lora"] = head
    (adopted.cards / "release.lock.json").write_text(json.dumps(moved))
    ran = adopted.run("verify", "adopted", "--hub", "local", "--proof", "static")

    assert (1, ["HP-R01"]) == (ran.code, ran.errors)
    assert "adapter_config.json of acme/adopted-lora" in ran.err


def test_drift_is_nothing_after_a_release_and_every_foreign_change_later(adopted: Room) -> None:
    """Storage rots, people push, settings are flipped: a nightly job must see it without fetching weights."""
    quiet = adopted.run("verify", "--all", "--drift", "--hub", "local", "--format", "json")
    with adopted.hub() as api:
        api.upload_file(
            path_or_fileobj=b"{}", path_in_repo="adapter_config.json", repo_id="acme/adopted-lora"
        )
        api.upload_file(path_or_fileobj=b"hi", path_in_repo="notes.txt", repo_id="acme/adopted-lora")
        api.update_repo_settings("acme/adopted-base", private=False)
        api.delete_tag("acme/adopted-data", tag="v1.0.0", repo_type="dataset")
    loud = adopted.run("verify", "adopted", "--drift", "--hub", "local", "--format", "json")
    found = json.loads(loud.out)["releases"][0]

    assert (0, []) == (quiet.code, json.loads(quiet.out)["releases"][0]["drift"])
    assert (1, ["HP-R06"]) == (loud.code, loud.errors)
    assert ("adopted", "1.0.0") == (found["name"], found["released"])
    assert [
        ("acme/adopted-base", "visibility"),
        ("acme/adopted-data", "tag"),
        ("acme/adopted-lora", "adapter_config.json"),
        ("acme/adopted-lora", "notes.txt"),
    ] == [(each["repo_id"], each["what"]) for each in found["drift"]]


def test_a_tag_that_was_moved_and_a_repo_that_is_gone_are_drift(adopted: Room) -> None:
    """A tag names the bytes that people pinned; whoever moves it changes what they get."""
    with adopted.hub() as api:
        pushed = api.upload_file(path_or_fileobj=b"x", path_in_repo="x.txt", repo_id="acme/adopted-lora")
        api.delete_tag("acme/adopted-lora", tag="v1.0.0")
        api.create_tag("acme/adopted-lora", tag="v1.0.0", revision=pushed.oid)
        api.delete_repo("acme/adopted-base")
    ran = adopted.run("verify", "adopted", "--drift", "--hub", "local")

    assert 1 == ran.code
    assert "acme/adopted-base exists: released yes, found no" in ran.out
    assert (
        f"acme/adopted-lora tag: released v1.0.0 at a commit of this release, found at {pushed.oid[:8]}"
        in ran.out
    )


@pytest.mark.parametrize(
    ("proof", "told"), [("static", "fetched back\n"), ("load", "fetched back, loaded\n")]
)
def test_any_repo_can_be_proven_by_its_address(adopted: Room, proof: str, told: str) -> None:
    """Whoever is handed an address wants to know that it arrives whole and loads; an adapter on the base it names."""
    ran = adopted.run(
        "verify", "hf://acme/adopted-lora@v1.0.0", "--hub", "local", "--owner", "x", "--proof", proof
    )

    assert 0 == ran.code, ran.err
    assert re.match(r"✓ acme/adopted-lora at [0-9a-f]{8}: \d+ files, ", ran.out)
    assert told in ran.out


def test_a_repo_that_lost_the_bytes_it_lists_is_refused(adopted: Room) -> None:
    """The Hub's word on a file is its hash; what arrives is held against it."""
    [blob] = [
        f
        for f in (adopted.root / ".hubpub" / "_hub").rglob("*")
        if f.is_file() and f.stat().st_size == len(adopted.artifact("adapter")["adapter_model.safetensors"])
    ]
    content = bytearray(blob.read_bytes())
    content[-1] ^= 1
    blob.chmod(0o600)
    blob.write_bytes(content)
    ran = adopted.run("verify", "hf://acme/adopted-lora", "--hub", "local")

    assert (1, ["HP-R01"]) == (ran.code, ran.errors)
    assert "adapter_model.safetensors of acme/adopted-lora is not the file that the Hub lists" in ran.err


def _edit_tensors(room: Room, change: Callable[[str, object], object]) -> None:
    from safetensors.torch import load_file, save_file

    file = room.cards / "inputs" / "adapter" / "adapter_model.safetensors"
    save_file({name: change(name, tensor) for name, tensor in load_file(file).items()}, file)


def _refused(room: Room) -> tuple[int, list[str]]:
    ran = room.release()
    assert "train" not in ran.worked
    assert not (room.root / ".hubpub" / "_hub" / "repos").is_dir() or {} == room.published()
    return ran.code, ran.errors


def test_an_adapter_of_another_base_is_refused(
    fresh_adopted: Room, make_llama: Callable[..., Path], make_adapter: Callable[..., Path], tmp_path: Path
) -> None:
    """peft loads it with a warning, and the merge changes nothing."""
    bigger = make_llama(tmp_path / "bigger", hidden=128)
    shutil.rmtree(fresh_adopted.cards / "inputs" / "adapter")
    make_adapter(bigger, fresh_adopted.cards / "inputs" / "adapter")

    assert (1, ["HP-A01"]) == _refused(fresh_adopted)


def test_an_adapter_with_another_rank_than_it_says_is_refused(fresh_adopted: Room) -> None:
    """A configuration from another run."""
    file = fresh_adopted.cards / "inputs" / "adapter" / "adapter_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"r": 8}))

    assert (1, ["HP-A02"]) == _refused(fresh_adopted)


def test_an_adapter_with_nan_is_refused(fresh_adopted: Room) -> None:
    """A training that blew up."""
    _edit_tensors(fresh_adopted, lambda name, tensor: tensor * float("nan") if "lora_A" in name else tensor)

    assert (1, ["HP-A03"]) == _refused(fresh_adopted)


def test_an_adapter_that_was_never_trained_is_refused(fresh_adopted: Room) -> None:
    """Every B zero: it is the base under another name."""
    _edit_tensors(fresh_adopted, lambda name, tensor: tensor * 0 if "lora_B" in name else tensor)

    assert (1, ["HP-A04"]) == _refused(fresh_adopted)


def test_a_dataset_without_rows_is_refused(fresh_adopted: Room) -> None:
    """An empty Parquet file looks like a dataset from outside."""
    pq = pytest.importorskip("pyarrow.parquet")
    for file in (fresh_adopted.cards / "inputs" / "data").glob("*.parquet"):
        pq.write_table(pq.read_table(file).slice(0, 0), file)
    ran = fresh_adopted.release()

    assert (1, ["HP-D01"]) == (ran.code, ran.errors)
    assert "dataset" not in ran.worked


def test_an_answer_that_is_not_as_expected_stops_before_anything_is_sent(fresh_adopted: Room) -> None:
    """The demo prompt of a card is its promise."""
    fresh_adopted.edit("artifacts: [base, dataset, adapter]", "artifacts: [base]")
    fresh_adopted.edit("adapter: inputs/adapter\n", "")
    fresh_adopted.edit("min_tokens: 1", "contains: forty-two")
    ran = fresh_adopted.release()

    assert (1, ["HP-E04"]) == (ran.code, ran.errors)
    assert "card" not in ran.worked
    assert {} == fresh_adopted.published()


def test_a_released_version_with_other_data_needs_the_next_number(adopted: Room) -> None:
    """Whoever pinned 1.0.0 must go on getting 1.0.0."""
    pq = pytest.importorskip("pyarrow.parquet")
    before = adopted.published()
    file = adopted.cards / "inputs" / "data" / "train-00000-of-00001.parquet"
    pq.write_table(pq.read_table(file).slice(0, 11), file)
    ran = adopted.release()

    assert (2, ["HP-M07"]) == (ran.code, ran.errors)
    assert "1.0.0 of acme/adopted-data was released with other" in ran.err
    assert "hint:  hubpub release adopted 1.1.0" in ran.err
    assert before == adopted.published()


def test_other_weights_under_a_released_version_are_refused_by_the_plan_of_a_release(adopted: Room) -> None:
    """The same for weights; `--until version` is where it is known."""
    _edit_tensors(adopted, lambda name, tensor: tensor * 2 if "lora_B" in name else tensor)
    ran = adopted.release("--proof", "static")  # nothing of it would be loaded after the refusal

    assert (2, ["HP-M07"]) == (ran.code, ran.errors)
    assert "1.0.0 of acme/adopted-lora was released with other" in ran.err
    assert "hubpub release adopted 1.1.0" in ran.err


def test_a_plan_that_nobody_confirms_is_not_carried_out(validated: Room) -> None:
    """Without a terminal and without --yes there is nobody to ask."""
    ran = validated.run("release", "adopted", "--hub", "local")

    assert (2, ["HP-R04"]) == (ran.code, ran.errors)
    assert "+ create, private" in ran.err, "the plan was shown first"
    assert {} == validated.published()


def test_code_of_a_card_that_fails_stops_before_main_and_a_spy_finds_nothing(validated: Room) -> None:
    """A snippet that does not run is the first thing a visitor meets; one that reads tokens must find none."""
    partial = validated.root / "templates" / "partials" / "usage_adapter.md.j2"
    partial.parent.mkdir(parents=True)
    partial.write_text("## Usage\n\n```python\nraise RuntimeError('as a typo would')\n```\n")
    failed = validated.release()
    published = validated.published()

    assert (1, ["HP-E08"]) == (failed.code, failed.errors)
    assert {"initial commit"} == {title for repo in published.values() for title in repo.commits}
    assert all(repo.private and not repo.tags for repo in published.values())

    partial.write_text(SPY)
    token = Path(os.environ["HF_HOME"]) / "token"  # where `hf auth login` keeps it
    token.parent.mkdir(parents=True, exist_ok=True)
    token.write_text(PLANTED)
    try:
        spied = validated.run(
            "release", "adopted", "--hub", "local", "--yes", AWS_SECRET_ACCESS_KEY="x", GITHUB_TOKEN="y"
        )
    finally:
        token.unlink()

    assert 0 == spied.code, spied.err
    assert SPY.split("```")[1] in validated.published()["acme/adopted-lora"].files["README.md"].decode()
    logs = "".join(log.read_text() for log in (validated.workspace / "scratch").glob("*.log"))
    assert PLANTED not in logs
