"""A small project, somebody who writes down what the runner says, and one embedded Hub."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from publisher.hub.remote import RemoteHub
from publisher.manifest.project import Project
from publisher.pipeline.release import Release
from publisher.records.plans import Plan
from publisher.staging.server import EmbeddedHub

USERS = """
- name: alice
  organisations: [acme]
  tokens: [{token: hf_alice}]
- name: bob
  tokens: [{token: hf_bob}]
"""

MANIFEST = """
manifest: 1
version: 1.0.0
owner: alice
base: {model: alice/base, folder: base}
dataset: {folder: data}
artifacts: [dataset]
licence: apache-2.0
"""


@dataclass
class Notes:
    """A listener that writes down what it hears."""

    worked: list[str] = field(default_factory=list)
    skips: dict[str, str] = field(default_factory=dict)
    headlines: dict[str, str] = field(default_factory=dict)

    def began(self, stage: str) -> None:
        self.worked.append(stage)

    def progress(self, done: float, of: float, unit: str, note: str = "") -> None:
        pass

    def finished(self, stage: str, headline: str, seconds: float) -> None:
        self.headlines[stage] = headline

    def skipped(self, stage: str, reason: str) -> None:
        self.skips[stage] = reason

    def planned(self, plan: Plan) -> None:
        pass


@pytest.fixture
def notes() -> Notes:
    return Notes()


@pytest.fixture
def open_release(tmp_path: Path) -> Callable[..., Release]:
    """Write a manifest and open its release; the base's and the data's folders are there."""

    def opened(manifest: str = MANIFEST, name: str = "tiny") -> Release:
        folder = tmp_path / "model_cards" / name
        for place in ("base", "data"):
            (folder / place).mkdir(parents=True, exist_ok=True)
        (folder / "base" / "config.json").write_text("{}")
        (folder / "release.yaml").write_text(manifest)
        return Release.open(Project(tmp_path), name)

    return opened


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedHub]:
    """A Hub that is spoken to by its address, with alice, bob and no owner's rights for either."""
    folder = tmp_path_factory.mktemp("pipeline-hub")
    (folder / "users.yaml").write_text(USERS)
    with EmbeddedHub(folder / "data", users=folder / "users.yaml") as running:
        yield running


@pytest.fixture(scope="session")
def alice(served: EmbeddedHub) -> RemoteHub:
    return RemoteHub(served.url, "hf_alice", "hub.test")


@pytest.fixture(scope="session")
def bob(served: EmbeddedHub) -> RemoteHub:
    return RemoteHub(served.url, "hf_bob", "hub.test")
