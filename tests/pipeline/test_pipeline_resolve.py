"""A base whose weights nothing reads: their headers are fetched, and no byte of them."""

from __future__ import annotations

import itertools
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from quantized_folders import write_awq, write_mlx, write_source

from publisher.errors import HubpubError
from publisher.hub.port import Add
from publisher.hub.remote import RemoteHub
from publisher.manifest.lock import read_lock, write_lock
from publisher.manifest.project import Project
from publisher.pipeline.changed import why_changed
from publisher.pipeline.levels import Levels
from publisher.pipeline.look import stage_states
from publisher.pipeline.opened import Release
from publisher.pipeline.release import run_release
from publisher.pipeline.reprove import reprove
from publisher.pipeline.services import Wishes
from publisher.pipeline.steps.preflight import Preflight
from publisher.pipeline.steps.resolve import BaseWeights
from publisher.records.artifacts import RepoRef
from publisher.records.runs import Base

sys.path.append(str(Path(__file__).resolve().parents[2] / "benchmarks"))
from tiny_project import (
    HIDDEN,
    LAYERS,
    NAME,
    VOCABULARY,
    shapes_of,
    write_configuration,
    write_project,
    write_weights,
)

STATIC, RUN = Wishes(yes=True, proof="static"), Wishes(yes=True)
OWN = "{{awq: {{repo: alice/awq-{n}, folder: ../../q/awq, proof: static}}, mlx: {{repo: alice/mlx-{n}, folder: ../../q/mlx, proof: static}}}}"
_repos = itertools.count()


@dataclass
class Counting:
    """A Hub that counts the bytes that it hands out, by file. `spoil`: the one that comes wrong."""

    hub: Any
    served: Counter[str] = field(default_factory=Counter)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.hub, name)

    def read(self, ref: RepoRef, revision: str, path: str) -> Iterator[bytes]:
        for piece in self.hub.read(ref, revision, path):
            self.served[path] += len(piece)
            yield piece

    def read_range(self, ref: RepoRef, revision: str, path: str, start: int, stop: int) -> bytes:
        content: bytes = self.hub.read_range(ref, revision, path, start, stop)
        self.served[path] += len(content)
        return content

    @property
    def weights(self) -> int:
        """Bytes of weight files."""
        return sum(size for path, size in self.served.items() if path.endswith(".safetensors"))


def published(hub: RemoteHub, folder: Path) -> str:
    """A folder as a repo of its own, at its commit."""
    ref = RepoRef(f"alice/source-{next(_repos)}")
    hub.create(ref, private=True)
    state = hub.state(ref)
    files = [Add(file.name, file) for file in sorted(folder.iterdir())]
    commit = hub.commit(ref, "main", files, title="Write", body="", parent=str(state and state.head))
    return f"{ref.repo_id}@{commit}"


def headers(folder: Path) -> int:
    """Bytes that are fetched of a folder's weights: the length of each header twice, and the header."""
    files = list(folder.glob("*.safetensors"))
    return sum(16 + int.from_bytes(file.read_bytes()[:8], "little") for file in files)


def of_adapter(root: Path, base: str) -> Callable[[], Release]:
    """An adapter to release, its base on the Hub."""
    manifest = write_project(root, ("adapter",)) / "release.yaml"
    text = manifest.read_text().replace("{folder: inputs/base, model: acme/tiny-base}", base)
    text = text.replace("adapter: {}", f"adapter: {{repo: alice/lora-{next(_repos)}}}")
    manifest.write_text(text.replace("owner: acme", "owner: alice\nversion: 1.0.0"))
    return lambda: Release.open(Project(root), NAME)


@pytest.fixture
def sharded(tmp_path: Path) -> Path:
    """A base in two shards, its weights larger than their headers."""
    import json

    folder, shapes = tmp_path / "sharded", shapes_of(HIDDEN, LAYERS, VOCABULARY)
    write_configuration(folder, HIDDEN, LAYERS, VOCABULARY)
    halves = [sorted(shapes)[::2], sorted(shapes)[1::2]]
    places = {}
    for number, names in enumerate(halves, start=1):
        file = folder / f"model-0000{number}-of-00002.safetensors"
        write_weights(file, {name: shapes[name] for name in names})
        places |= dict.fromkeys(names, file.name)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": places}))
    (folder / "LICENSE").write_text("Do as you like.\n")
    return folder


def test_own_variants_that_are_compared_alone_cost_no_weight_of_their_source(
    alice: RemoteHub, open_release: Callable[..., Release], notes: Any, tmp_path: Path
) -> None:
    """A quantizer of a model of 54 GB has it somewhere else; its card needs kilobytes of it."""
    source = write_source(tmp_path / "source")
    (source / "README.md").write_text("---\nlicense: mit\n---\n")
    (source / "LICENSE").write_text("MIT License\n")
    write_awq(tmp_path / "q" / "awq")
    write_mlx(tmp_path / "q" / "mlx")
    place, n = published(alice, source), next(_repos)
    artifacts = OWN.format(n=n)
    release = open_release(
        f"manifest: 1\nowner: alice\nversion: 1.0.0\nlicence: mit\nsource: {place}\nartifacts: {artifacts}\n"
    )
    hub = Counting(alice)
    made = run_release(release, alice, hub, STATIC, notes).made
    facts = {fact.id: fact.value for fact in made[Base].facts}
    outline = Path(made[Base].artifact.folder) / "model.safetensors"

    assert headers(source) == hub.weights < (source / "model.safetensors").stat().st_size
    assert (source / "model.safetensors").stat().st_size == outline.stat().st_size == facts["base.size_bytes"]
    assert "MIT License\n" == facts["base.licence_files"]["LICENSE"]
    assert {"v1.0.0"} == set(alice.state(RepoRef(f"alice/awq-{n}")).tags)
    assert not release.paths.artifact("base").exists(), "to whoever loads it, holes are zeros"
    assert 0 == made[Preflight].peak_bytes, "what is linked takes no room either"


def test_an_outline_is_the_base_to_all_that_depends_on_it(
    alice: RemoteHub, notes: Any, sharded: Path, tmp_path: Path
) -> None:
    """The Hub's digests are the files': who fetched all of it and who did not make the same release."""
    opened = of_adapter(tmp_path / "a", published(alice, sharded))
    few, all_ = Counting(alice), Counting(alice)
    outlined = run_release(opened(), alice, few, STATIC, notes, only="resolve").made[Base]
    shutil.rmtree(opened().paths.workspace)
    whole = run_release(opened(), alice, all_, RUN, notes, only="resolve").made[Base]
    weights = sum(file.stat().st_size for file in sharded.glob("*.safetensors"))

    assert (headers(sharded), weights) == (few.weights, all_.weights)
    assert whole.digest == outlined.digest
    assert {f.id: f.value for f in whole.facts} == {f.id: f.value for f in outlined.facts}
    assert [file.read_bytes() for file in sorted(sharded.glob("*.safetensors"))] == [
        file.read_bytes() for file in sorted(Path(whole.artifact.folder).glob("*.safetensors"))
    ]


def test_a_whole_base_serves_whoever_needs_headers_and_not_the_other_way_round(
    alice: RemoteHub, notes: Any, sharded: Path, tmp_path: Path
) -> None:
    """Asking for less proof fetches nothing again; asking for more must never load zeros."""
    opened = of_adapter(tmp_path / "a", published(alice, sharded))

    def resolved(wishes: Wishes) -> tuple[list[str], str]:
        fresh = type(notes)()
        made = run_release(opened(), alice, alice, wishes, fresh, only="resolve").made[Base]
        return fresh.worked, Path(made.artifact.folder).parent.name

    first, more = resolved(STATIC), resolved(RUN)
    less = resolved(STATIC)

    assert (["resolve"], "outlines") == first
    assert (["resolve"], "artifacts") == more
    assert ([], "artifacts") == less


def test_a_clone_that_proves_less_finds_nothing_changed(
    alice: RemoteHub, notes: Any, sharded: Path, tmp_path: Path
) -> None:
    """It was released on a machine that loaded it, which CI does not."""
    opened = of_adapter(tmp_path / "a", published(alice, sharded))
    run_release(opened(), alice, alice, STATIC, notes)
    loading = run_release(opened(), alice, alice, RUN, notes, only="resolve").keys["resolve"]
    shutil.rmtree(opened().paths.workspace)
    lock = read_lock(opened().paths.lock)
    assert lock is not None
    assert loading != lock.stages["resolve"].key
    stages = {**lock.stages, "resolve": replace(lock.stages["resolve"], key=loading)}
    write_lock(opened().paths.lock, replace(lock, stages=stages))

    assert why_changed(opened(), alice, STATIC) is None
    assert next(s for s in stage_states(opened(), alice, "static") if s.name == "resolve").the_same


def test_what_has_no_base_to_load_says_so(
    alice: RemoteHub, notes: Any, sharded: Path, tmp_path: Path
) -> None:
    """Where headers are all that is here, an adapter cannot be proven again by loading it."""
    opened = of_adapter(tmp_path / "a", published(alice, sharded))
    run_release(opened(), alice, alice, STATIC, notes)
    with pytest.raises(HubpubError) as caught:
        reprove(opened(), alice, alice, notes, level="load")

    assert "HP-R03" == caught.value.code
    assert "adapter is loaded beside the base model" in caught.value.what
    assert [""] == [proof.told for proof in reprove(opened(), alice, alice, notes, level="static")]


@pytest.mark.parametrize(
    ("manifest", "read"),
    [
        ("artifacts: {gguf: {files: a.gguf, proof: static}}", False),
        ("artifacts: {awq: {folder: q, proof: static}, gguf: {files: a.gguf, proof: static}}", False),
        ("artifacts: {awq: {folder: q, proof: static}, gguf: {files: a.gguf, proof: load}}", True),
        ("artifacts: {gguf: {proof: static}}", True),
        ("artifacts: {nf4: {proof: static}}", True),
        ("artifacts: {base: {proof: static}}", True),
        ("adapter: b/c\nartifacts: {adapter: {proof: static}}", False),
        ("adapter: b/c\nartifacts: {adapter: {proof: static}, merged: {proof: static}}", True),
        ("adapter: b/c\nartifacts: {gguf: {files: a.gguf, proof: static}}", True),
        ("dataset: {folder: d}\nartifacts: {dataset: {proof: static}}", False),
        ("dataset: {folder: d}\nevaluate: {}\nartifacts: {dataset: {proof: static}}", True),
        ("dataset: {folder: d}\ntrain: {}\nartifacts: {dataset: {proof: static}}", True),
    ],
)
def test_weights_are_read_where_something_is_made_of_them_or_loaded(
    open_release: Callable[..., Release], manifest: str, read: bool
) -> None:
    """Each of the others would read holes."""
    opened = open_release(f"manifest: 1\nowner: alice\nbase: acme/model@1\n{manifest}\n").manifest

    assert read is BaseWeights.of(opened, Levels.of(opened)).are_read
    assert BaseWeights(are_read=True) == BaseWeights.of(
        open_release(
            f"manifest: 1\nowner: alice\nbase: {{model: acme/model, folder: base}}\n{manifest}\n"
        ).manifest,
        Levels.of(opened),
    ), "what lies here is taken as it is"
