"""How far each module moved between an earlier version and what lies here: the old weights are read where the Hub has them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from publisher.errors import HubpubError
from publisher.hub.port import Hub
from publisher.pipeline.fetch import fetch_listed, fetch_outline
from publisher.pipeline.opened import Release
from publisher.records.artifacts import Kind, RepoRef
from publisher.weights.lora import CONFIG, WEIGHTS, read_adapter
from publisher.weights.norms import ModuleNorm, Weights, adapter_norms, norms_of
from publisher.weights.shards import read_shards

INDEX = "model.safetensors.index.json"
COMPARED: tuple[Kind, ...] = (
    "base",
    "adapter",
    "merged",
)  # in 4 bits a small change and a large one look alike


def norms_since(release: Release, hub: Hub, version: str) -> Iterator[tuple[Kind, list[ModuleNorm]]]:
    """Each artifact with weights that lies in the workspace and that the Hub has at the tag of that version.

    Raises:
        HubpubError: HP-R02, there is nothing to compare; as the port says; as reading weights says.
    """
    found = False
    for kind, ref in release.identity.refs.items():
        folder = release.paths.artifact(kind)
        state = hub.state(ref) if kind in COMPARED and folder.is_dir() else None
        commit = state.tags.get(f"v{version}") if state else None
        if commit is not None:
            found = True
            yield (
                kind,
                list(
                    _of_adapter(hub, ref, commit, folder)
                    if kind == "adapter"
                    else _of_model(hub, ref, commit, folder)
                ),
            )
    if not found:
        raise HubpubError(
            "HP-R02",
            f"no weights of {release.paths.name} are both here and at v{version} on this Hub",
            where=hub.endpoint,
            hint=f"hubpub validate {release.paths.name} makes those that are to be compared",
        )


def _of_model(hub: Hub, ref: RepoRef, commit: str, folder: Path) -> Iterator[ModuleNorm]:
    """Headers are fetched now, values when they are asked for."""
    with tempfile.TemporaryDirectory(prefix="hubpub-") as room:
        for file in hub.tree(ref, commit):
            if file.path.endswith(".safetensors") and "/" not in file.path:
                fetch_outline(hub, ref, commit, file, Path(room))
            elif file.path == INDEX:
                fetch_listed(hub, ref, commit, file, Path(room))
        there = Weights.here(read_shards(Path(room)))

        def read(file: str, start: int, stop: int) -> bytes:
            return hub.read_range(ref, commit, Path(file).name, start, stop)

        yield from norms_of(replace(there, read=read), Weights.here(read_shards(folder)))


def _of_adapter(hub: Hub, ref: RepoRef, commit: str, folder: Path) -> Iterator[ModuleNorm]:
    with tempfile.TemporaryDirectory(prefix="hubpub-") as room:
        for file in hub.tree(ref, commit):
            if file.path in (CONFIG, WEIGHTS):
                fetch_listed(hub, ref, commit, file, Path(room))
        yield from adapter_norms(read_adapter(Path(room)), read_adapter(folder))
