"""A base's sizes before any of its weights are here: from headers, from config.json, or from what is known of its name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from publisher.checks.known.models import mentions
from publisher.errors import HubpubError
from publisher.hub.port import Hub
from publisher.manifest.schema import BaseSettings
from publisher.pipeline.base_package import package_file
from publisher.pipeline.fetch import fetch_listed, fetch_outline
from publisher.pipeline.opened import Release
from publisher.records.artifacts import RepoRef
from publisher.weights.describe import read_config
from publisher.weights.gguf import GgufError, header_of
from publisher.weights.shape import ModelShape, decoder, shape_of_config, shape_of_gguf, shape_of_shards
from publisher.weights.shards import read_shards

SMALL = ("config.json", "model.safetensors.index.json")


@dataclass(frozen=True)
class BaseShape:
    """A base's sizes, and where they were read."""

    shape: ModelShape
    source: str


def shape_of_base(release: Release, source: Hub) -> BaseShape | None:
    """Find a base's sizes, where they are told most exactly first; no weights are read or fetched.

    Args:
        release: whose workspace may have the base already.
        source: the Hub that the base is on; asked where nothing lies here.
    """
    settings = release.manifest.base
    if settings is None:
        return None
    here = [release.paths.artifact("base"), release.paths.outline]
    here += [release.paths.folder / settings.folder] if settings.folder else []
    for folder in here:
        if (found := _of_folder(folder)) is not None:
            return found
    if settings.package:
        return _of_package(settings)
    if not settings.model:
        return None
    return _of_hub(source, settings) or _of_name(settings.model)


def _of_folder(folder: Path) -> BaseShape | None:
    try:
        config = read_config(folder)
    except HubpubError:
        return None
    try:
        shape, told = shape_of_shards(config, read_shards(folder)), "its files' headers"
    except HubpubError:
        shape, told = None, ""
    if shape is None:
        shape, told = shape_of_config(config), "its config.json"
    return BaseShape(shape, told) if shape is not None else None


def _of_package(settings: BaseSettings) -> BaseShape | None:
    try:
        shape = shape_of_gguf(header_of(package_file(settings)))
    except (OSError, GgufError, HubpubError):
        return None
    return BaseShape(shape, f"the metadata of {settings.file}") if shape is not None else None


def _of_hub(hub: Hub, settings: BaseSettings) -> BaseShape | None:
    """By some kilobytes of each file; None where the Hub does not hand them out."""
    ref = RepoRef(str(settings.model))
    try:
        state = hub.state(ref)
        if state is None or state.head is None:
            return None
        revision = settings.revision or state.head
        with TemporaryDirectory(prefix="hubpub-") as room:
            folder = Path(room)
            for file in hub.tree(ref, revision):
                if file.path in SMALL:
                    fetch_listed(hub, ref, revision, file, folder)
                elif file.path.endswith(".safetensors") and "/" not in file.path:
                    fetch_outline(hub, ref, revision, file, folder)
            return _of_folder(folder)
    except HubpubError:
        return None


def _of_name(model: str) -> BaseShape | None:
    """Of a base that is not handed out before its terms are accepted, and whose sizes are well known."""
    meant = next(mentions(model), None)
    if meant is None or meant.family is None or meant.shape is None:
        return None
    vocabulary, shape = meant.family.vocabulary, meant.shape
    if not (
        vocabulary
        and shape.layers
        and shape.hidden
        and shape.intermediate
        and shape.heads
        and shape.kv_heads
        and shape.head_dim
        and shape.parameters
    ):
        return None
    sizes = {
        "layers": shape.layers,
        "hidden": shape.hidden,
        "intermediate": shape.intermediate,
        "queries": shape.heads * shape.head_dim,
        "keys": shape.kv_heads * shape.head_dim,
        "vocabulary": vocabulary,
    }
    tied = decoder(**sizes, tied=True)
    # a second table of that size is the head; a vision tower is smaller than it
    apart = shape.parameters - tied.parameters >= vocabulary * shape.hidden
    found = decoder(**sizes, tied=not apart, parameters=shape.parameters)
    return BaseShape(found, f"what is known of {meant.family.id(shape)}")
