"""Merging into a base that is on a Hub, shard by shard, without a copy of it."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from publisher.engine.jobs import Merge
from publisher.errors import HubpubError
from publisher.hub.port import Add
from publisher.pipeline import shard_feed
from publisher.pipeline.foreign import Place
from publisher.pipeline.merge_from_hub import fetched_adapter, merge_from_hub, place_or_folder
from publisher.records.artifacts import RepoRef

pytestmark = pytest.mark.models
pytest.importorskip("torch")


def held_bytes(file: Path) -> int:
    """What a file takes of the disk; nothing where the merge has just taken it away."""
    try:
        return file.stat().st_blocks * 512
    except FileNotFoundError:
        return 0


@dataclass
class Watched:
    """A Hub that notes which ranges of weights it is asked for, and how much of the base lies on the disk then.

    `spoil`: the file whose ranges come back wrong; `lose`: the one that cannot be had.
    """

    hub: Any
    room: Path
    ranges: list[tuple[str, int]] = field(default_factory=list)
    most_bytes: int = 0
    spoil: str = ""
    lose: tuple[str, int] = ("", 0)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.hub, name)

    def read_range(self, ref: RepoRef, revision: str, path: str, start: int, stop: int) -> bytes:
        self.most_bytes = max(self.most_bytes, sum(map(held_bytes, (self.room / "shards").glob("*"))))
        if (path, start) == self.lose:
            raise HubpubError("HP-H01", "the Hub has gone", hint="try again")
        self.ranges.append((path, start))
        content = self.hub.read_range(ref, revision, path, start, stop)
        return bytes(len(content)) if path == self.spoil and start else content


@dataclass(frozen=True)
class Published:
    """A sharded base and an adapter for it: as folders, and as repos of a Hub."""

    base: Path
    adapter: Path
    base_ref: RepoRef
    adapter_ref: RepoRef

    @property
    def sizes(self) -> dict[str, int]:
        """The base's shards."""
        return {file.name: file.stat().st_size for file in sorted(self.base.glob("*.safetensors"))}


def push(hub, ref: RepoRef, files: Iterable[Path]) -> RepoRef:
    """Put files into a new repo."""
    hub.create(ref, private=True)
    state = hub.state(ref)
    adds = [Add(file.name, file) for file in files]
    hub.commit(ref, "main", adds, title="Write", body="", parent=str(state.head))
    return ref


@pytest.fixture(scope="module")
def published(tmp_path_factory, make_llama, make_adapter, alice) -> Published:
    from transformers import AutoModelForCausalLM

    place = tmp_path_factory.mktemp("by-shard")
    whole = make_llama(place / "whole", layers=3, tied=False)
    base = place / "base"
    AutoModelForCausalLM.from_pretrained(whole).save_pretrained(base, max_shard_size="100KB")
    for file in whole.iterdir():
        if file.name != "model.safetensors":
            shutil.copyfile(file, base / file.name)
    adapter = make_adapter(base, place / "adapter")
    return Published(
        base,
        adapter,
        push(alice, RepoRef("alice/by-shard"), base.iterdir()),
        push(alice, RepoRef("alice/by-shard-adapter"), adapter.iterdir()),
    )


@pytest.fixture(scope="module")
def local(published, tmp_path_factory) -> dict[str, bytes]:
    """The merge of the two folders, by file."""
    from publisher.engine import merge

    out = tmp_path_factory.mktemp("local") / "out"
    merge.run(Merge(str(published.base), str(published.adapter), str(out)), lambda event: None)
    return {file.name: file.read_bytes() for file in out.iterdir()}


def merged(published: Published, hub, out: Path, notes):
    return merge_from_hub(Place(published.base_ref), published.adapter, out, "full", hub, notes)


def content(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def test_the_result_is_the_local_one_and_two_shards_are_here_at_most(
    published, local, alice, notes, tmp_path
):
    """A base that does not fit on the disk beside its merge is merged all the same."""
    hub = Watched(alice, tmp_path / "out.base")
    result = merged(published, hub, tmp_path / "out", notes)
    sizes = list(published.sizes.values())
    pairs = max(one + other for one, other in pairwise(sizes))

    assert local == content(tmp_path / "out")
    assert 0 < hub.most_bytes <= pairs + 2 * 4096 < sum(sizes)
    assert ["out"] == [file.name for file in tmp_path.iterdir()]
    assert 12 == next(fact.value for fact in result.measured if fact.id == "merged.changed_tensors")


def test_a_lost_connection_is_the_hub_s_fault_and_costs_no_byte_twice(
    published, local, alice, notes, tmp_path, monkeypatch
):
    """Finished shards are kept, and of the one that broke off what had arrived; the merge's own error tells nothing."""
    monkeypatch.setattr(shard_feed, "RANGE_BYTES", 20_000)
    monkeypatch.setattr(shard_feed, "RANGES", 1)
    third = sorted(published.sizes)[2]
    broken = Watched(alice, tmp_path / "out.base", lose=(third, 40_000))
    with pytest.raises(HubpubError) as caught:
        merged(published, broken, tmp_path / "out", notes)
    again = Watched(alice, tmp_path / "out.base")
    merged(published, again, tmp_path / "out", notes)
    weights = [(name, start) for name, start in broken.ranges + again.ranges if start and start % 20_000 == 0]

    assert ("HP-H01", "the Hub has gone") == (caught.value.code, caught.value.what)
    assert local == content(tmp_path / "out")
    assert len(weights) == len(set(weights))
    assert (third, 40_000) in again.ranges


def test_another_commit_begins_anew(published, alice, notes, tmp_path, monkeypatch):
    """Half a shard of one commit and half of another would be neither's."""
    monkeypatch.setattr(shard_feed, "RANGE_BYTES", 20_000)
    monkeypatch.setattr(shard_feed, "RANGES", 1)
    third = sorted(published.sizes)[2]
    with pytest.raises(HubpubError):
        merged(
            published, Watched(alice, tmp_path / "out.base", lose=(third, 40_000)), tmp_path / "out", notes
        )
    (tmp_path / "out.base" / "of.txt").write_text("hf://alice/by-shard@another")
    again = Watched(alice, tmp_path / "out.base")
    merged(published, again, tmp_path / "out", notes)

    assert {(third, 0), (third, 20_000)} <= set(again.ranges)


def test_a_shard_that_is_not_what_the_hub_lists_is_refused(published, alice, notes, tmp_path, monkeypatch):
    """A proxy's error page in the middle of weights has the right length."""
    monkeypatch.setattr(shard_feed, "RANGE_BYTES", 20_000)
    second = sorted(published.sizes)[1]
    with pytest.raises(HubpubError) as caught:
        merged(published, Watched(alice, tmp_path / "out.base", spoil=second), tmp_path / "out", notes)

    assert ("HP-R01", True) == (caught.value.code, second in caught.value.what)
    assert not (tmp_path / "out").exists()
    assert not list(tmp_path.rglob(f"{second}*"))


def test_an_adapter_of_another_base_is_refused_before_any_weight_is_fetched(
    published, alice, notes, tmp_path, make_llama, make_adapter
):
    """What the headers tell must not cost a download, and nothing is left behind."""
    wider = make_adapter(make_llama(tmp_path / "wider", hidden=96), tmp_path / "adapter")
    place = tmp_path / "place"
    hub = Watched(alice, place / "out.base")
    with pytest.raises(HubpubError) as caught:
        merge_from_hub(Place(published.base_ref), wider, place / "out", "full", hub, notes)

    assert "HP-A01" == caught.value.code
    assert 2 * len(published.sizes) == len(hub.ranges)  # the length of each header, and the header
    assert not list(place.iterdir())


def test_pickles_are_refused_by_name(published, alice, notes, tmp_path):
    """Loading them runs code, wherever they lie."""
    (tmp_path / "pytorch_model.bin").write_bytes(b"x")
    ref = push(
        alice, RepoRef("alice/pickled"), [published.base / "config.json", tmp_path / "pytorch_model.bin"]
    )
    with pytest.raises(HubpubError) as caught:
        merge_from_hub(Place(ref), published.adapter, tmp_path / "out", "full", alice, notes)

    assert ("HP-W03", ["pytorch_model.bin"]) == (caught.value.code, caught.value.data["files"])


def test_an_adapter_of_the_hub_is_fetched_for_as_long_as_it_is_needed(published, alice):
    """It is small: the two files that are an adapter, and no others."""
    with fetched_adapter(Place(published.adapter_ref), alice) as folder:
        assert content(folder) == {
            name: (published.adapter / name).read_bytes()
            for name in ("adapter_config.json", "adapter_model.safetensors")
        }
    assert not folder.exists()


def test_a_name_is_a_folder_where_there_is_one_else_a_repo(tmp_path, monkeypatch):
    """What lies here is meant, as everywhere."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "acme" / "base").mkdir(parents=True)

    assert Path("acme/base") == place_or_folder("--base", "acme/base")
    assert Place(RepoRef("acme/other"), "v1") == place_or_folder("--base", "acme/other@v1")
    assert Place(RepoRef("acme/base")) == place_or_folder("--base", "hf://acme/base")
    for nothing in ("nowhere", "./out/base", "/out/base", "hf://datasets/acme/base"):
        with pytest.raises(HubpubError) as caught:
            place_or_folder("--base", nothing)
        assert "HP-M09" == caught.value.code
