"""What the shell offers after a Tab: asked as bash asks, from the program itself."""

from __future__ import annotations

import subprocess

import pytest
from cli_runs import HUBPUB, Project, environment_of


def offered(project: Project, *words: str) -> list[str]:
    """The completions of a command line's last word."""
    asked = {
        "_HUBPUB_COMPLETE": "complete_bash",
        "COMP_WORDS": " ".join(["hubpub", *words]),
        "COMP_CWORD": str(len(words)),
    }
    done = subprocess.run(
        [HUBPUB], cwd=project.root, env=environment_of(asked), capture_output=True, text=True, check=True
    )
    return done.stdout.split()


@pytest.fixture
def two_releases(project: Project) -> Project:
    """A project with the releases `tiny` and `other`."""
    other = project.root / "model_cards" / "other"
    other.mkdir()
    (other / "release.yaml").write_text("not: even valid\n")
    return project


@pytest.mark.parametrize(
    "command", ["release", "card", "status", "verify", "check", "doctor", "merge", "validate"]
)
def test_the_names_of_releases_are_offered(two_releases: Project, command: str) -> None:
    """A manifest with faults is still a name that can be typed."""
    assert ["other", "tiny"] == offered(two_releases, command, "")


def test_what_begins_otherwise_is_not_offered_and_a_version_is_no_name(two_releases: Project) -> None:
    assert ["tiny"] == offered(two_releases, "release", "t")
    assert [] == offered(two_releases, "release", "tiny", "t")


def test_where_there_is_no_project_nothing_is_offered_and_nothing_is_said(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """An error in the middle of a command line would be all that its author sees."""
    assert [] == offered(Project(tmp_path_factory.mktemp("empty")), "release", "")
