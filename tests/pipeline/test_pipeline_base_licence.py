"""The licence of a base: its own card names it, and where nobody does, the first second says so."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from publisher.errors import Exit, HubpubError
from publisher.hub.port import Add
from publisher.hub.remote import RemoteHub
from publisher.manifest.project import Project
from publisher.manifest.schema import BaseSettings
from publisher.pipeline.base_licence import licence_in, licence_known_of
from publisher.pipeline.look import preflight_problems
from publisher.pipeline.release import Release, run_release
from publisher.pipeline.services import Wishes
from publisher.records.artifacts import RepoRef

sys.path.append(str(Path(__file__).resolve().parents[2] / "benchmarks"))

from tiny_project import NAME, write_project

STATIC = Wishes(proof="static")
OTHER = "license: other\nlicense_name: acme-1.0\nlicense_link: https://acme.example/licence"


@pytest.fixture
def unnamed(tmp_path: Path) -> Callable[[str], Release]:
    """A release whose manifest names no licence, and whose base's card has this front matter."""

    def opened(front: str) -> Release:
        folder = write_project(tmp_path, ("adapter",))
        manifest = folder / "release.yaml"
        manifest.write_text(manifest.read_text().replace("licence: apache-2.0\n", ""))
        if front:
            (folder / "inputs" / "base" / "README.md").write_text(f"---\n{front}\n---\n# Base\n")
        return Release.open(Project(tmp_path), NAME)

    return opened


def _card(release: Release, hub: RemoteHub, notes: Any) -> dict[str, Any]:
    run_release(release, hub, hub, STATIC, notes, until="check")
    text = (release.paths.folder / "cards" / "adapter.md").read_text(encoding="utf-8")
    found: dict[str, Any] = yaml.safe_load(text.split("---\n")[1])
    return found


def test_a_card_is_under_the_bases_own_licence(
    unnamed: Callable[[str], Release], alice: RemoteHub, notes: Any
) -> None:
    """As the manifest's page promises for a manifest that names none."""
    assert "mit" == _card(unnamed("license: mit"), alice, notes)["license"]


def test_another_licence_keeps_its_name_and_where_it_is_read(
    unnamed: Callable[[str], Release], alice: RemoteHub, notes: Any
) -> None:
    """`other` alone grants nothing."""
    card = _card(unnamed(OTHER), alice, notes)

    assert ("other", "acme-1.0", "https://acme.example/licence") == (
        card["license"],
        card["license_name"],
        card["license_link"],
    )


@pytest.mark.parametrize("front", ["", "license: [mit, apache-2.0]", "license: mine", "tags: [a]"])
def test_what_nobody_says_is_told_before_anything_is_made(
    unnamed: Callable[[str], Release], alice: RemoteHub, front: str
) -> None:
    """A card without a licence grants nothing; an hour of training later is too late to learn it."""
    (problem,) = preflight_problems(unnamed(front), alice, alice)

    assert ("HP-M14", Exit.USAGE) == (problem.code, problem.exit_code)
    assert "under which licence adapter would be published is not said" in problem.what


def test_a_licence_of_the_artifacts_own_or_one_that_is_stated_needs_no_other(
    unnamed: Callable[[str], Release], alice: RemoteHub
) -> None:
    release = unnamed("")
    manifest = release.paths.manifest
    text = manifest.read_text()
    for named in (
        text.replace("adapter: {}", "adapter: {licence: mit}"),
        f"{text}stated: {{base.licence: {{value: mit, source: a letter of its maker}}}}\n",
        f"{text}accept: [{{code: META012, reason: nobody knows}}]\n",
    ):
        manifest.write_text(named)

        assert [] == list(preflight_problems(Release.open(release.project, NAME), alice, alice))


def test_a_base_on_the_hub_is_asked(alice: RemoteHub) -> None:
    """Its card is read at the commit that is pinned; one without a card names none."""
    ref = RepoRef("alice/licensed-base")
    alice.create(ref, private=False)
    bare = alice.state(ref)
    assert bare
    assert bare.head
    card = [Add("README.md", b"---\nlicense: apache-2.0\n---\n# Base\n")]
    commit = alice.commit(ref, "main", card, title="card", body="", parent=bare.head)

    def told(revision: str) -> dict[str, str] | None:
        return licence_known_of(BaseSettings(model=ref.repo_id, revision=revision), Path(), alice)

    assert ({"licence": "apache-2.0"}, {}) == (told(commit), told(bare.head))
    with pytest.raises(HubpubError, match="not found"):  # which is no card without a licence
        told("0" * 40)


@pytest.mark.parametrize(
    ("front", "told"),
    [
        ("license: gemma", {"licence": "gemma"}),
        ("license: mit\nlicense_name: mine", {"licence": "mit"}),
        (
            OTHER,
            {"licence": "other", "licence_name": "acme-1.0", "licence_link": "https://acme.example/licence"},
        ),
        ("license: other\nlicense_name: Mine & Co\nlicense_link: LICENSE", {"licence": "other"}),
        ("license: {a: b}", {}),
        ("license: [", {}),
    ],
)
def test_what_a_front_matter_says(front: str, told: dict[str, str]) -> None:
    assert told == licence_in(f"---\n{front}\n---\n")
