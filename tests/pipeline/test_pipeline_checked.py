"""What the linter finds in an artifact stops its release before anything is sent."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from publisher.errors import Exit, HubpubError
from publisher.hub.remote import RemoteHub
from publisher.manifest.project import Project
from publisher.pipeline.release import Release, run_release
from publisher.pipeline.services import Wishes

sys.path.append(str(Path(__file__).resolve().parents[2] / "benchmarks"))

from tiny_project import NAME, write_project

STATIC = Wishes(proof="static")


def test_what_the_check_finds_stops_a_release_unless_it_is_taken_on_knowingly(
    tmp_path: Path, alice: RemoteHub, notes: Any
) -> None:
    """Another licence, and nobody says which: a reader might do nothing with it."""
    manifest = write_project(tmp_path, ("adapter",)) / "release.yaml"
    text = manifest.read_text().replace("licence: apache-2.0", "licence: other")
    manifest.write_text(text)
    with pytest.raises(HubpubError) as caught:
        run_release(Release.open(Project(tmp_path), NAME), alice, alice, STATIC, notes, until="check")
    code = caught.value.data["finding"]
    manifest.write_text(f"{text}accept: [{{code: {code}, reason: a rehearsal}}]\n")
    run_release(Release.open(Project(tmp_path), NAME), alice, alice, STATIC, notes, until="check")

    assert ("HP-K01", Exit.FAILED) == (caught.value.code, caught.value.exit_code)
    assert "META012" == code
    assert "check" in notes.headlines
