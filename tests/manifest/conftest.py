"""A project in which a test writes the manifest it is about."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

from publisher.errors import HubpubError
from publisher.manifest.load import load_manifest
from publisher.manifest.project import Project
from publisher.manifest.schema import Manifest

Load = Callable[..., Manifest]
Faults = Callable[..., list[tuple[str, str]]]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "model_cards" / "demo").mkdir(parents=True)
    return Project(tmp_path)


@pytest.fixture
def load(project: Project) -> Load:
    """Write `release.yaml` (and `project.yaml`), then load it."""

    def write_and_load(text: str | bytes, *, defaults: str | None = None) -> Manifest:
        content = dedent(text).encode() if isinstance(text, str) else text
        project.release("demo").manifest.write_bytes(content)
        if defaults is not None:
            (project.cards / "project.yaml").write_text(dedent(defaults))
        return load_manifest(project, "demo")

    return write_and_load


@pytest.fixture
def faults(load: Load) -> Faults:
    """Every fault as (`line:column`, what), and the code of the first."""

    def collect(
        text: str | bytes, *, code: str = "HP-M01", defaults: str | None = None
    ) -> list[tuple[str, str]]:
        with pytest.raises(HubpubError) as caught:
            load(text, defaults=defaults)
        assert code == caught.value.code
        assert 2 == caught.value.exit_code
        every: list[HubpubError] = caught.value.data["all"]
        return [(":".join(str(fault.where).split(":")[1:]), fault.what) for fault in every]

    return collect
