"""The embedded Hub, and families of packages to release on it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from huggingface_hub import HfApi, constants
from release_family import Family

from publisher.hub.remote import RemoteHub
from publisher.records.artifacts import Kind, RepoRef
from publisher.staging.server import EmbeddedHub

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedHub]:
    with pytest.MonkeyPatch.context() as patch:
        # Deaths here are of the client; that the Hub keeps what it acknowledged is shown in its own room.
        patch.setattr("os.fsync", lambda _: None)
        with EmbeddedHub(tmp_path_factory.mktemp("release-room") / "data") as running:
            yield running


@pytest.fixture(scope="module")
def hub(embedded: EmbeddedHub) -> RemoteHub:
    return RemoteHub(embedded.url, embedded.token, "local")


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits between attempts here; Xet is another room's."""
    monkeypatch.setattr("tenacity.nap.time", SimpleNamespace(sleep=lambda _: None))
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)


@pytest.fixture
def family(tmp_path: Path) -> Family:
    """Dataset, adapter and merged; the merged one is public."""
    return Family(tmp_path, f"owner{next(_numbers)}", ("dataset", "adapter", "merged"), ("merged",))


@pytest.fixture
def adapter(tmp_path: Path) -> Family:
    """One repo, for what is about a single one."""
    return Family(tmp_path, f"owner{next(_numbers)}", ("adapter",))


@pytest.fixture
def make_family(tmp_path: Path) -> Callable[..., Family]:
    """Further families, each with an owner and a folder of its own."""

    def make(kinds: Sequence[Kind], **settings: Any) -> Family:
        number = next(_numbers)
        return Family(tmp_path / str(number), f"owner{number}", tuple(kinds), **settings)

    return make


@pytest.fixture
def delete_repo(hub: RemoteHub) -> Callable[[RepoRef], None]:
    """What an owner may do on the website at any time."""
    api = HfApi(endpoint=hub.endpoint, token=hub.token)
    return lambda ref: api.delete_repo(ref.repo_id, repo_type=ref.repo_type)
