"""What is fetched is what the Hub lists: wherever a file is taken from one, other bytes in its place are refused."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from publisher.errors import HubpubError
from publisher.hub.port import Add, RemoteFile
from publisher.hub.remote import RemoteHub
from publisher.pipeline.fetch import fetch_listed, fetch_outline, read_listed
from publisher.pipeline.foreign import Place
from publisher.pipeline.init.from_adapter import adapter_outline
from publisher.pipeline.init.from_files import card_on_hub
from publisher.pipeline.init.from_repo import from_repo
from publisher.pipeline.merge_from_hub import fetched_adapter
from publisher.pipeline.norms import norms_since
from publisher.pipeline.opened import Release
from publisher.pipeline.release import run_release
from publisher.pipeline.services import Wishes
from publisher.records.artifacts import RepoRef
from publisher.records.runs import Adapter
from publisher.weights.header import read_header

sys.path.append(str(Path(__file__).resolve().parents[2] / "benchmarks"))
from tiny_project import write_adapter, write_base

_repos = itertools.count()
STATIC = Wishes(yes=True, proof="static")


@dataclass(frozen=True)
class Altering:
    """A Hub that hands out one file with its last byte changed, as a proxy or a bad disk would."""

    hub: Any
    path: str

    def __getattr__(self, name: str) -> Any:
        return getattr(self.hub, name)

    def read(self, ref: RepoRef, revision: str, path: str) -> Iterator[bytes]:
        content = b"".join(self.hub.read(ref, revision, path))
        yield content[:-1] + bytes([content[-1] ^ 1]) if path == self.path else content


@dataclass(frozen=True)
class Repo:
    """An adapter with a card, at its commit."""

    ref: RepoRef
    commit: str
    files: dict[str, RemoteFile]


@pytest.fixture
def adapter(alice: RemoteHub, tmp_path: Path) -> Repo:
    folder, ref = tmp_path / "adapter", RepoRef(f"alice/fetched-{next(_repos)}")
    write_adapter(folder)
    (folder / "README.md").write_text("---\nlicense: mit\n---\n# Adapter\n")
    alice.create(ref, private=True)
    state = alice.state(ref)
    adds = [Add(file.name, file) for file in folder.iterdir()]
    commit = alice.commit(ref, "main", adds, title="Write", body="", parent=str(state and state.head))
    return Repo(ref, commit, {file.path: file for file in alice.tree(ref, commit)})


def outlined(hub: Any, repo: Repo) -> None:
    with adapter_outline(hub, repo.ref, repo.commit):
        pass


def fetched(hub: Any, repo: Repo) -> None:
    with fetched_adapter(Place(repo.ref, repo.commit), hub):
        pass


def adopted(hub: Any, repo: Repo) -> None:
    from_repo(repo.ref.repo_id, "tiny", lambda: hub)


@pytest.mark.parametrize(
    ("taken", "path"),
    [
        (outlined, "adapter_config.json"),
        (fetched, "adapter_config.json"),
        (fetched, "adapter_model.safetensors"),
        (adopted, "README.md"),
    ],
)
def test_another_file_than_the_listed_one_is_refused(
    alice: RemoteHub, adapter: Repo, taken: Callable[[Any, Repo], None], path: str
) -> None:
    """Small files decide what a release is called, licensed and made of, as large ones do."""
    taken(alice, adapter)
    with pytest.raises(HubpubError) as caught:
        taken(Altering(alice, path), adapter)

    assert ("HP-R01", path) == (caught.value.code, caught.value.data["path"])


def test_a_card_that_arrives_altered_tells_no_licence(alice: RemoteHub, adapter: Repo) -> None:
    """It is looked at for a proposal; then nothing is proposed."""
    name = adapter.ref.repo_id

    assert "# Adapter" in card_on_hub(name, lambda: alice)
    assert "" == card_on_hub(name, lambda: Altering(alice, "README.md"))


@pytest.mark.parametrize("path", ["adapter_config.json", "adapter_model.safetensors"])
def test_files_are_held_against_git_s_id_and_against_lfs(
    alice: RemoteHub, adapter: Repo, tmp_path: Path, path: str
) -> None:
    """One is listed by git's id alone, the other by its sha256 too."""
    file = adapter.files[path]
    fetch_listed(alice, adapter.ref, adapter.commit, file, tmp_path / "here")

    assert (path == "adapter_model.safetensors") == (file.sha256 is not None)
    assert (tmp_path / "here" / path).read_bytes() == read_listed(alice, adapter.ref, adapter.commit, file)


def test_an_adapter_that_arrives_altered_is_not_released(
    alice: RemoteHub, adapter: Repo, open_release: Callable[..., Release], notes: Any
) -> None:
    """Its base lies here; what is released of it is what the Hub has."""
    release = open_release(
        "manifest: 1\nowner: alice\nlicence: mit\nbase: {model: acme/base, folder: own}\n"
        f"adapter: {adapter.ref.repo_id}@{adapter.commit}\nartifacts: {{adapter: {{proof: static}}}}\n"
    )
    write_base(release.paths.folder / "own")
    with pytest.raises(HubpubError) as caught:
        run_release(release, alice, Altering(alice, "adapter_config.json"), STATIC, notes, until="train")
    made = run_release(release, alice, alice, STATIC, notes, until="train").made[Adapter]

    assert ("HP-R01", "adapter_config.json") == (caught.value.code, caught.value.data["path"])
    assert {"adapter_config.json", "adapter_model.safetensors"} <= {file.path for file in made.artifact.files}


def test_norms_are_of_the_adapter_that_was_released(
    alice: RemoteHub, open_release: Callable[..., Release], notes: Any
) -> None:
    """A change that is measured against altered weights is no change of the model."""
    release = open_release(
        "manifest: 1\nversion: 1.0.0\nowner: alice\nlicence: mit\nbase: {model: acme/base, folder: own}\n"
        f"adapter: lora\nartifacts: {{adapter: {{repo: alice/normed-{next(_repos)}, proof: static}}}}\n"
    )
    write_base(release.paths.folder / "own")
    write_adapter(release.paths.folder / "lora")
    run_release(release, alice, alice, STATIC, notes)
    ((kind, norms),) = norms_since(release, alice, "1.0.0")
    with pytest.raises(HubpubError) as caught:
        list(norms_since(release, Altering(alice, "adapter_model.safetensors"), "1.0.0"))

    assert ("adapter", {0.0}) == (kind, {norm.change for norm in norms})
    assert ("HP-R01", "adapter_model.safetensors") == (caught.value.code, caught.value.data["path"])


def test_an_outline_is_the_header_and_a_hole_that_takes_no_room(
    alice: RemoteHub, adapter: Repo, tmp_path: Path
) -> None:
    """To read a model's shapes, its weights need not be had."""
    name = "adapter_model.safetensors"
    fetch_outline(alice, adapter.ref, adapter.commit, adapter.files[name], tmp_path)
    whole = read_header(tmp_path / "adapter" / name)
    file, start = tmp_path / name, min(tensor.start for tensor in whole.tensors.values())

    assert whole.tensors == read_header(file).tensors
    assert bytes(whole.size_bytes - start) == file.read_bytes()[start:] != whole.file.read_bytes()[start:]
