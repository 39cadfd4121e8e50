"""A base's sizes, from whatever of it is at hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from publisher.hub.port import Add
from publisher.hub.remote import RemoteHub
from publisher.pipeline.base_shape import shape_of_base
from publisher.pipeline.opened import Release
from publisher.records.artifacts import RepoRef

MANIFEST = """
manifest: 1
owner: alice
base: {base}
adapter: inputs/adapter
artifacts: [adapter]
"""


def test_a_base_on_a_hub_is_known_by_its_headers(
    alice: RemoteHub, tiny_base: Path, open_release: Callable[..., Release]
) -> None:
    """Kilobytes of a model of any size; the sizes are those of the configuration that it was made with."""
    ref = RepoRef("alice/shaped-base")
    alice.create(ref, private=False)
    state = alice.state(ref)
    assert state is not None
    files = [Add(file.name, file) for file in tiny_base.iterdir()]
    alice.commit(ref, "main", files, title="Base", body="", parent=str(state.head))
    found = shape_of_base(open_release(MANIFEST.replace("{base}", "alice/shaped-base")), alice)

    assert found is not None
    assert "its files' headers" == found.source
    sizes = ("layers", "hidden", "queries", "keys")
    assert (2, 64, 64, 32) == tuple(getattr(found.shape, size) for size in sizes)


@pytest.mark.parametrize(
    ("base", "billions", "tied"),
    [("google/gemma-3-12b-it", 12.187325040, True), ("meta-llama/Llama-3.1-8B-Instruct", 8.030261248, False)],
)
def test_a_gated_base_is_known_by_its_name(
    alice: RemoteHub, open_release: Callable[..., Release], base: str, billions: float, tied: bool
) -> None:
    """Whoever has not accepted the terms yet may still want to know whether it is worth it."""
    found = shape_of_base(open_release(MANIFEST.replace("{base}", base)), alice)

    assert found is not None
    assert found.source.startswith("what is known of")
    assert (billions, tied) == (found.shape.parameters / 1e9, found.shape.tied)


def test_a_base_that_nobody_knows_has_no_shape(
    alice: RemoteHub, open_release: Callable[..., Release]
) -> None:
    assert shape_of_base(open_release(MANIFEST.replace("{base}", "acme/secret")), alice) is None
