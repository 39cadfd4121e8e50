"""Models of others that the code in a card's prose loads: brought here before it is run, since it runs without a network."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from publisher.engine.jobs import MakeStandIn
from publisher.errors import HubpubError
from publisher.hub.port import Hub
from publisher.manifest.project import ReleasePaths
from publisher.manifest.schema import BaseSettings
from publisher.pipeline.fetch import fetch_listed
from publisher.pipeline.folders import made_aside
from publisher.pipeline.services import Engine
from publisher.pipeline.stand_in import SEED, model_type_of
from publisher.records.artifacts import RepoRef

# Weights of other frameworks, and pickles, which nothing here opens.
_LEFT = (".bin", ".pt", ".pth", ".h5", ".msgpack", ".onnx", ".ckpt", ".md", ".gitattributes")


def code_models(named: Iterable[str], paths: ReleasePaths, source: Hub, engine: Engine) -> dict[str, str]:
    """Their folders by id, fetched where they are not here yet; in a rehearsal, stand-ins are made.

    Args:
        named: `owner/name`, or `owner/name@revision`.
        paths: they are kept in the workspace's scratch.
        source: the Hub that they are on.
        engine: makes stand-ins.

    Raises:
        HubpubError: HP-H04 there is none of that name; HP-M10 no stand-in is known for it; or as the port says.
    """
    return {place.partition("@")[0]: str(_brought(place, paths, source, engine)) for place in named}


def missing_models(named: Iterable[str], source: Hub) -> list[HubpubError]:
    """Those that are not on the Hub."""
    found = []
    for place in named:
        try:
            _revision(place, source)
        except HubpubError as problem:
            found.append(problem)
    return found


def _brought(place: str, paths: ReleasePaths, source: Hub, engine: Engine) -> Path:
    folder = paths.scratch / "models" / place.replace("/", "--")
    if (folder / "config.json").is_file():
        return folder
    repo_id = place.partition("@")[0]
    if paths.stand_in:
        kind = model_type_of(BaseSettings(model=repo_id), paths.folder, source)
        engine.run(MakeStandIn(str(folder), kind, SEED))
        return folder
    ref, revision = RepoRef(repo_id), _revision(place, source)
    with made_aside(folder) as aside:
        for file in source.tree(ref, revision):
            if "/" not in file.path and not file.path.endswith(_LEFT):
                fetch_listed(source, ref, revision, file, aside)
    return folder


def _revision(place: str, source: Hub) -> str:
    repo_id, _, revision = place.partition("@")
    state = source.state(RepoRef(repo_id))
    if state is None or state.head is None:
        raise HubpubError(
            "HP-H04",
            f"{repo_id}, which code in the card loads, is not on this Hub",
            where=source.endpoint,
            hint="check card.code_models in the manifest",
        )
    return revision or state.head
