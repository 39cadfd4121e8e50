"""A release does not depend on a package index."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from publisher.engine.worker import Limits
from publisher.pipeline.services import Engine
from publisher.pipeline.steps.validate import read_by_older
from publisher.records.artifacts import Artifact
from publisher.records.runs import Base, Merged


def test_where_transformers_4_cannot_be_had_what_it_makes_of_the_models_is_unknown(
    tmp_path: Path, notes: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And nothing half-installed is left behind."""
    for name, value in {
        "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
        "PIP_EXTRA_INDEX_URL": "",
        "PIP_FIND_LINKS": "",
        "PIP_CONFIG_FILE": "/dev/null",
        "PIP_RETRIES": "0",
    }.items():
        monkeypatch.setenv(name, value)
    base = Base(Artifact("base", str(tmp_path / "b"), ()), ())
    merged = Merged(Artifact("merged", str(tmp_path / "m"), ()), ())
    engine = Engine(tmp_path / "scratch", notes, Limits())
    told = list(read_by_older([base, merged], base, (), engine, tmp_path / "cache"))

    assert [(f"validate.{kind}.transformers_4", None, "unknown") for kind in ("base", "merged")] == [
        (m.id, m.value, m.status) for m in told
    ]
    assert not list((tmp_path / "cache" / "transformers").iterdir())
