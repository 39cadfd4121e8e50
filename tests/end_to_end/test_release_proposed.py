"""`hubpub release --propose`, by somebody who may only read: the owner's merge is what releases it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import HfApi
from release_room import Room

from publisher.staging.server import EmbeddedHub

pytestmark = [pytest.mark.models, pytest.mark.long]

USERS = """
- name: acme
  tokens: [{token: hf_acmewrites, role: write}]
- name: bob
  tokens: [{token: hf_bobwrites, role: write}]
"""


@pytest.fixture
def served(tmp_path: Path) -> Iterator[EmbeddedHub]:
    """A Hub with acme, whose the repos are, and bob."""
    (tmp_path / "users.yaml").write_text(USERS)
    with EmbeddedHub(tmp_path / "hub", users=tmp_path / "users.yaml") as running:
        yield running


def test_a_proposed_card_is_proven_merged_and_then_released(validated: Room, served: EmbeddedHub) -> None:
    """Bob has the project and no rights; acme merges; the next release finds nothing to send."""

    def release(token: str, *arguments: str) -> tuple[int, dict[str, object], str]:
        ran = validated.run(
            "release",
            validated.name,
            "--hub",
            served.url,
            "--yes",
            "--format",
            "json",
            *arguments,
            HF_TOKEN=token,
        )
        return ran.code, json.loads(ran.out) if ran.out else {}, ran.err

    owner = HfApi(endpoint=served.url, token="hf_acmewrites")
    validated.edit("owner: acme", "owner: acme\nvisibility: public")
    refused, _, told = release("hf_bobwrites", "--propose")
    first, document, err = release("hf_acmewrites", "--proof", "static")
    assert (0, "released") == (first, document.get("state")), err
    lock = validated.lock()["released"]
    heads = {repo["repo_id"]: repo["commit"] for repo in document["repos"]}  # type: ignore[attr-defined]
    (validated.cards / "limitations.md").write_text("It cannot add, and was asked to.\n")
    proposed, document, err = release("hf_bobwrites", "--propose")
    requests = document["pull_requests"]
    kinds = {info.id: "model" for info in owner.list_models()} | {
        i.id: "dataset" for i in owner.list_datasets()
    }
    after = {repo_id: owner.repo_info(repo_id, repo_type=kinds[repo_id]).sha for repo_id in heads}

    assert (3, True) == (refused, "error[HP-H04]" in told)
    assert (0, "proposed", "1.0.0+card.1", "run") == (
        proposed,
        document["state"],
        document["version"],
        document["proof"],
    )
    events = [json.loads(line) for line in err.splitlines() if line.startswith("{")]
    skipped = {event["stage"]: event["reason"] for event in events if event["event"] == "skipped"}
    assert "proposed: merge the pull requests" == skipped["promote"]
    assert heads == after, "main is the owner's to change"
    assert lock == validated.lock()["released"], "what waits is not released"
    assert ["acme/adopted-lora"] == [request["repo_id"] for request in requests]  # type: ignore[attr-defined]

    for request in requests:  # type: ignore[attr-defined]
        repo_id = request["repo_id"]
        assert request["url"].endswith(f"{repo_id}/discussions/1")
        owner.merge_pull_request(repo_id, 1, repo_type=kinds[repo_id])
    code, document, err = release("hf_acmewrites")

    assert (0, "nothing to do") == (code, document["state"]), err
    assert ["1.0.0+card.1"] == [released["version"] for released in validated.lock()["released"].values()]
