"""The proof: what the Hub serves is what was sent, byte for byte."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from release_family import Family, look, lost_answer

from publisher.errors import HubpubError
from publisher.hub.port import Delete
from publisher.hub.remote import RemoteHub
from publisher.records.artifacts import RepoRef
from publisher.records.plans import Plan
from publisher.records.receipts import Staged
from publisher.staging.server import EmbeddedHub


@dataclass
class CutShort:
    """The Hub behind a network that breaks off the body of the first reads."""

    hub: RemoteHub
    times: int
    reads: int = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.hub, name)

    def read(self, ref: RepoRef, revision: str, path: str) -> Iterator[bytes]:
        self.reads += 1
        whole = self.hub.read(ref, revision, path)
        if self.reads <= self.times:
            yield next(whole)[:10]
            raise lost_answer()
        yield from whole


@pytest.fixture
def staged(hub: RemoteHub, adapter: Family) -> tuple[Plan, Staged]:
    plan = adapter.plan(hub)
    return plan, adapter.stage(hub, plan)


def test_every_file_that_was_sent_is_fetched_back(
    hub: RemoteHub, adapter: Family, staged: tuple[Plan, Staged]
) -> None:
    """The numbers stand in the receipt."""
    (proof,) = adapter.verify(hub, *staged).proofs
    files = adapter.packages()[0].files

    assert ("run", len(files), sum(f.size for f in files)) == (
        proof.level,
        proof.files_fetched,
        proof.bytes_fetched,
    )
    assert list(staged[1].commits.values()) == [proof.commit]


def test_a_file_that_was_damaged_in_the_hub_s_storage_stops_the_release(
    hub: RemoteHub, adapter: Family, staged: tuple[Plan, Staged], embedded: EmbeddedHub
) -> None:
    """The Hub lists the right digest and serves other bytes: only fetching back can tell."""
    weights = next(f for f in adapter.packages()[0].files if f.path.endswith(".safetensors"))
    (stored,) = (embedded._data / "lfs").rglob(weights.sha256)
    whole = stored.read_bytes()
    stored.chmod(0o600)
    stored.write_bytes(b"X" + whole[1:])
    try:
        with pytest.raises(HubpubError) as caught:
            adapter.verify(hub, *staged)
    finally:
        stored.write_bytes(whole)  # other tests send the same bytes, which the Hub keeps once

    assert ("HP-R01", "adapter_model.safetensors") == (caught.value.code, caught.value.data["path"])
    assert ([], 1) == (adapter.proofs, len(look(hub, adapter.ref("adapter")).commits))


@pytest.mark.parametrize("change", ["other bytes", "gone"])
def test_a_branch_that_someone_changed_after_staging_is_noticed(
    hub: RemoteHub, adapter: Family, staged: tuple[Plan, Staged], change: str
) -> None:
    """What is verified is the commit that will be promoted, not the branch of that name."""
    ref, branch = adapter.ref("adapter"), staged[0].branch
    (commit,) = staged[1].commits.values()
    from publisher.hub.port import Add

    operation = Delete("adapter_config.json") if change == "gone" else Add("adapter_config.json", b'{"r": 9}')
    moved = hub.commit(ref, branch, [operation], title="Meddle", body="", parent=commit)
    with pytest.raises(HubpubError) as caught:
        adapter.verify(hub, staged[0], Staged({ref.repo_id: moved}))

    assert ("HP-R01", "adapter_config.json") == (caught.value.code, caught.value.data["path"])
    assert 1 == len(adapter.verify(hub, *staged).proofs)


def test_a_body_that_was_cut_short_on_its_way_is_fetched_again(
    hub: RemoteHub, adapter: Family, staged: tuple[Plan, Staged]
) -> None:
    """A network fault is no damage on the Hub."""
    flaky = CutShort(hub, times=2)

    assert 1 == len(adapter.verify(flaky, *staged).proofs)  # type: ignore[arg-type]
    assert len(adapter.packages()[0].files) + 2 == flaky.reads


def test_a_network_that_stays_broken_is_told_as_such(
    hub: RemoteHub, adapter: Family, staged: tuple[Plan, Staged]
) -> None:
    """And not as a Hub that serves something else."""
    with pytest.raises(HubpubError) as caught:
        adapter.verify(CutShort(hub, times=99), *staged)  # type: ignore[arg-type]

    assert "HP-H01" == caught.value.code


def test_a_repo_in_which_nothing_changes_is_not_proven_again(hub: RemoteHub, adapter: Family) -> None:
    """There is nothing of it to promote."""
    adapter.release(hub)
    plan = adapter.plan(hub)

    assert () == adapter.verify(hub, plan, adapter.stage(hub, plan)).proofs
