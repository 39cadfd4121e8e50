"""What the pages of repos, users and organisations say."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import get_args

import pytest
from huggingface_hub import CommitOperationAdd
from huggingface_hub.errors import HfHubHTTPError
from huggingface_hub.hf_api import ExpandDatasetProperty_T, ExpandModelProperty_T

from publisher.staging.server import EmbeddedHub
from publisher.staging.store import MIGRATIONS, SCHEMA


def safetensors(dtype: str, *shape: int) -> bytes:
    """A real file of zeros: one tensor."""
    size = {"F32": 4, "BF16": 2}[dtype]
    for each in shape:
        size *= each
    header = json.dumps({"w": {"dtype": dtype, "shape": shape, "data_offsets": [0, size]}}).encode()
    return struct.pack("<Q", len(header)) + header + bytes(size)


def commit(api, repo, **files: bytes) -> None:
    operations = [CommitOperationAdd(path.replace("__", "."), content) for path, content in files.items()]
    api.create_commit(repo, operations, commit_message="files")


def test_a_models_page_tells_its_architecture_and_its_parameters(alice, repo):
    """What a reader of the real page sees beside the name."""
    config = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 8}
    commit(
        alice, repo, config__json=json.dumps(config).encode(), model__safetensors=safetensors("BF16", 3, 5)
    )

    info = alice.model_info(repo, securityStatus=True)

    assert {"architectures": ["LlamaForCausalLM"], "model_type": "llama"} == info.config
    assert ({"BF16": 15}, 15) == (info.safetensors.parameters, info.safetensors.total)
    assert {"scansDone": False, "filesWithIssues": []} == info.security_repo_status


def test_the_parameters_of_shards_are_added_up(alice, repo):
    """By the index."""
    first, second = "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"
    index = json.dumps({"weight_map": {"a": first, "b": second}}).encode()
    files = {
        first: safetensors("F32", 7),
        second: safetensors("BF16", 4),
        "model.safetensors.index.json": index,
    }
    alice.create_commit(repo, [CommitOperationAdd(*each) for each in files.items()], commit_message="shards")

    assert {"BF16": 4, "F32": 7} == alice.model_info(repo).safetensors.parameters


@pytest.mark.parametrize(
    "files",
    [
        {"model__safetensors": b"no such file"},
        {"config__json": b"["},
        {"config__json": b"[]"},
        {"config__json": b"[" * 100_000},
        {"model.safetensors.index.json": b'{"weight_map": {"a": "absent.safetensors"}}'},
    ],
)
def test_damaged_files_take_nothing_else_from_the_page(alice, repo, files):
    """A page is shown of whatever was sent."""
    commit(alice, repo, **files)

    info = alice.model_info(repo)

    assert (repo, None, None) == (info.id, info.safetensors, info.config)


@pytest.mark.parametrize(
    ("kind", "known"), [("model", ExpandModelProperty_T), ("dataset", ExpandDatasetProperty_T)]
)
def test_a_property_that_there_is_not_is_refused_with_those_that_there_are(alice, repo, kind, known):
    """In the words of the real Hub, out of which the client's own tests read the list."""
    alice.create_repo(repo, repo_type=kind, exist_ok=True)
    with pytest.raises(HfHubHTTPError) as caught:
        alice.repo_info(repo, repo_type=kind, expand=["nonsense"])
    with pytest.raises(HfHubHTTPError):
        list(alice.list_models(expand=["nonsense"]))
    said = caught.value.response.json()["error"]

    assert 400 == caught.value.response.status_code
    assert f'"expand" must be one of [{", ".join(sorted(get_args(known)))}]' == said
    assert 0 == alice.model_info(repo, expand=["downloadsAllTime"]).downloads_all_time


def test_users_and_organisations_have_a_page(alice, bob, repo):
    """`get_user_overview` and the like; nobody follows anybody here."""
    user, acme = bob.get_user_overview("alice"), bob.get_organization_overview("acme")
    to_bob, to_alice = user.num_models, alice.get_user_overview("alice").num_models
    alice.create_repo(f"{repo}-hidden", private=True)

    assert ("alice", "user", ["acme"]) == (user.username, user.user_type, [org.name for org in user.orgs])
    assert ("acme", 1) == (acme.name, acme.num_users)
    assert ["alice"] == [each.username for each in bob.list_organization_members("acme")]
    assert to_bob >= 1
    assert to_bob == bob.get_user_overview("alice").num_models
    assert to_alice + 1 == alice.get_user_overview("alice").num_models
    assert [] == list(bob.list_user_followers("alice"))
    with pytest.raises(HfHubHTTPError, match="This organization does not exist"):
        bob.get_organization_overview("alice")


def test_a_data_folder_of_an_earlier_version_is_opened_with_all_that_is_in_it(tmp_path: Path):
    """Rehearsals of last week must not stop a release of today."""
    import sqlite3

    folder = tmp_path / "data"
    folder.mkdir()
    before = sqlite3.connect(folder / "hub.sqlite")
    before.executescript(SCHEMA)
    before.execute(
        "INSERT INTO collections (slug, owner, title, private, theme, position, updated_at)"
        " VALUES (?, 'local', 'Old', 0, 'orange', 0, '2026-01-01T00:00:00.000Z')",
        (f"local/old-{'0' * 24}",),
    )
    before.commit()
    before.close()
    for _ in range(2):
        with EmbeddedHub(folder) as hub:
            from huggingface_hub import HfApi

            api = HfApi(endpoint=hub.url, token=hub.token)
            titles = [each.title for each in api.list_collections()]
    after = sqlite3.connect(folder / "hub.sqlite")
    version = after.execute("PRAGMA user_version").fetchone()[0]
    after.close()

    assert ["Old"] == titles
    assert len(MIGRATIONS) == version


def test_lists_are_narrowed_by_size_and_by_what_a_dataset_says_of_itself(alice, repo):
    """Filters that were taken and not heeded would be worse than none."""
    commit(
        alice, repo, model__safetensors=safetensors("BF16", 1000, 7), config__json=b'{"model_type": "llama"}'
    )
    alice.create_repo(repo, repo_type="dataset")
    card = b"---\nlanguage: en\nsize_categories: [1K<n<10K]\ntask_categories: [text-generation]\n---\n# D\n"
    alice.upload_file(repo_id=repo, repo_type="dataset", path_in_repo="README.md", path_or_fileobj=card)
    name = repo.split("/")[1]

    def models(**query: object) -> list[str]:
        return [each.id for each in alice.list_models(author="alice", search=name, **query)]

    def datasets(**query: object) -> list[str]:
        return [each.id for each in alice.list_datasets(author="alice", search=name, **query)]

    assert repo in models(num_parameters="min:7K")
    assert repo in models(num_parameters="min:1,max:0.1M")
    assert repo not in models(num_parameters="max:6.9K")
    assert [] == models(inference="warm")
    assert [repo] == datasets(language="en", size_categories="1K<n<10K", task_categories="text-generation")
    assert [] == datasets(language="de")
    with pytest.raises(HfHubHTTPError, match="min:6B,max:128B"):
        models(num_parameters="many")
    (plain,) = [each for each in alice.list_models(search=repo) if each.id == repo]
    (full,) = [each for each in alice.list_models(search=repo, fetch_config=True) if each.id == repo]
    assert (None, {"model_type": "llama"}) == (plain.config, full.config)
