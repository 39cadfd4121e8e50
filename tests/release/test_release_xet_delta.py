"""With Xet, a merged model beside its base costs the tensors that changed, and the plan says so beforehand."""

from __future__ import annotations

import json
import random
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import constants
from release_family import Family

from publisher.cli.plan_text import plan_document, plan_text
from publisher.hub.port import Add
from publisher.hub.remote import RemoteHub
from publisher.records.artifacts import RepoRef
from publisher.records.facts import Fact, Facts, StatedSource
from publisher.records.plans import Plan
from publisher.release.new_bytes import with_known_bytes
from publisher.staging import xet
from publisher.staging.server import EmbeddedHub
from publisher.staging.xet_reading import CHUNK

TENSOR = 24 * CHUNK
WEIGHTS = "model.safetensors"

needs_xet = pytest.mark.skipif(not xet.is_available(), reason="no hf_xet of a version that was tried")


def model(seeds: tuple[int, ...]) -> bytes:
    """Tensors of one size, each of the bytes that its seed makes: no compression makes them smaller."""
    header = {
        f"layer.{n}": {"dtype": "U8", "shape": [TENSOR], "data_offsets": [n * TENSOR, (n + 1) * TENSOR]}
        for n in range(len(seeds))
    }
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + b"".join(random.Random(s).randbytes(TENSOR) for s in seeds)


BASE = model((1, 2, 3, 4, 5, 6, 7, 8))
MERGED = model((1, 2, 3, 40, 5, 6, 7, 8))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("xet-delta") / "data"


@pytest.fixture(scope="module")
def embedded(data: Path) -> Iterator[EmbeddedHub]:
    with EmbeddedHub(data) as running:
        yield running


@pytest.fixture
def with_xet(_impatient: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The client as it is where nothing is switched off."""
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", False)


@pytest.fixture
def merged(make_family) -> Family:
    """A merged model, one of whose eight tensors is other than the base's."""
    family = make_family(("merged",))
    family.write("merged", WEIGHTS, MERGED)
    return family


def send_base(hub: RemoteHub, family: Family, weights: bytes = BASE) -> RepoRef:
    """A repo with the base's weights in it."""
    ref, file = RepoRef(f"{family.owner}/base"), family.root / "base.safetensors"
    file.write_bytes(weights)
    hub.create(ref, private=True)
    head = hub.state(ref).head
    hub.commit(ref, "main", [Add(WEIGHTS, file)], title="Base", body="", parent=head)
    return ref


def weighed(hub: RemoteHub, plan: Plan, base: RepoRef, changed: int | None = TENSOR) -> Plan:
    """The plan, held against what the merge measured."""
    told = {"base.repo": base.repo_id} | ({} if changed is None else {"merged.changed_bytes": changed})
    source = StatedSource("measured")
    return with_known_bytes(
        hub, plan, Facts(Fact(name, value, None, "known", "merge", source) for name, value in told.items())
    )


def sent(data: Path) -> int:
    """Bytes of chunks that clients have written into the Hub's folders; what was lent to them counts once."""
    found = (file.stat() for file in (data / "xet").rglob("xorbs/default.*"))
    return sum({each.st_ino: each.st_size for each in found}.values())


@needs_xet
def test_only_the_changed_tensors_travel_and_the_plan_said_so(hub, data, merged, with_xet):
    """The upload of a merge costs its adapter's reach, not the model: without this, eight times as much is sent."""
    base = send_base(hub, merged)
    before = sent(data)
    plan = weighed(hub, merged.plan(hub), base)
    merged.stage(hub, plan)

    new = sent(data) - before
    small = sum(s.size or 0 for s in plan.repos[0].operations if s.op == "upload" and s.path != WEIGHTS)
    told = plan_document(plan)["bytes_new"]

    assert TENSOR + small == told
    assert "12.6 MB to send, about 1.6 MB new with Xet" in plan_text(plan)
    assert TENSOR <= new <= 1.15 * TENSOR


@needs_xet
def test_a_base_that_goes_there_first_in_the_same_run_is_not_sent_twice(hub, data, make_family, with_xet):
    """Base and merged model of one release: nothing is on the Hub yet when the plan is shown."""
    family = make_family(("base", "merged"))
    family.write("base", WEIGHTS, model((11, 12, 13, 14)))
    family.write("merged", WEIGHTS, model((11, 12, 130, 14)))
    before = sent(data)
    plan = weighed(hub, family.plan(hub), family.ref("base"))
    family.stage(hub, plan)

    assert 3 * TENSOR <= plan.known_bytes < 3 * TENSOR + 1000
    assert 5 * TENSOR <= sent(data) - before <= 5.15 * TENSOR


@needs_xet
def test_a_shard_that_is_the_bases_own_costs_nothing(hub, merged, with_xet):
    """Whole files are known by their digest, whatever the adapter changed elsewhere."""
    merged.write("merged", WEIGHTS, BASE)
    base = send_base(hub, merged)
    plan = weighed(hub, merged.plan(hub), base)

    assert len(BASE) == plan.known_bytes


@pytest.mark.parametrize(
    ("weights", "changed"), [(BASE[:-1], TENSOR), (BASE, None)], ids=["another layout", "not measured"]
)
def test_nothing_is_foretold_where_it_cannot_be_known(hub, merged, with_xet, weights, changed):
    """A number that is not true is worse than none."""
    plan = merged.plan(hub)

    assert plan == weighed(hub, plan, send_base(hub, merged, weights), changed)
    assert plan == weighed(hub, plan, RepoRef(f"{merged.owner}/nothing-there"))


def test_without_xet_the_plan_is_as_it_was(hub, merged):
    """Files go whole over LFS, so there is nothing to tell."""
    plan = merged.plan(hub)
    told = weighed(hub, plan, send_base(hub, merged))

    assert plan == told
    assert "bytes_new" not in plan_document(told)
    assert plan_text(told).endswith("MB to send")
