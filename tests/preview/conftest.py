"""The demo's cards in a project of their own, a preview of them, and a browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from demo_facts import write_demo
from preview_browser import Browser
from preview_runs import Preview, running

from publisher.records.artifacts import FileRecord


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with Browser(tmp_path_factory.mktemp("browser")) as running_browser:
        yield running_browser


@pytest.fixture(scope="session")
def make_project(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Path]:
    """The demo as a fresh clone has it: manifest, prose and lock; no workspace, no cards."""

    def make() -> Path:
        root = tmp_path_factory.mktemp("project")
        write_demo(root, files={"merged": (FileRecord("model.safetensors", 269_060_552, "0" * 64),)})
        return root

    return make


@pytest.fixture(scope="session")
def preview(make_project: Callable[[], Path]) -> Iterator[Preview]:
    """A preview whose files tests change and put back."""
    with running(make_project()) as one:
        yield one
