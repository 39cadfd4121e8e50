"""convertible and gguf: whether a model can become GGUF is asked first; the files are made from the merged weights."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from publisher.card.compiled import users_cache
from publisher.engine.gguf_converter import Converter, checkout, installed
from publisher.engine.jobs import MakeGguf
from publisher.evidence.files import inventory
from publisher.evidence.record import record
from publisher.manifest.project import ReleasePaths
from publisher.manifest.schema import Manifest
from publisher.pipeline.folders import made_aside, place
from publisher.pipeline.inputs import GivenGgufs
from publisher.pipeline.own_ggufs import described, looked_at, require_here
from publisher.pipeline.services import Engine
from publisher.records.artifacts import Artifact
from publisher.records.runs import Base, Convertible, Ggufs, Made, Merged, Pins
from publisher.records.stand_in import TAG
from publisher.weights.gguf_files import is_projector
from publisher.weights.stand_in import is_stand_in

TYPES = ("bf16", "q8_0")  # where the manifest names none


@dataclass(frozen=True)
class Converting:
    """How the manifest wants it converted, and what the files' headers are to say of licence, languages and tags."""

    name: str
    types: tuple[str, ...] = TYPES
    llama_cpp: str | None = None
    files: str | None = None  # the user's own, which nothing is made beside
    mmproj: str | None = None
    vision_part: bool = False  # made beside the files that are made here
    licence: str | None = None
    licence_name: str | None = None
    licence_link: str | None = None
    language: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()

    @classmethod
    def of(cls, manifest: Manifest, name: str) -> Converting:
        """What a manifest says of it. Files are called by the release's name; own ones keep what they are and say."""
        made = manifest.artifacts.get("gguf")
        if made is not None and made.files is not None:
            return cls(name, files=made.files, mmproj=made.mmproj)
        return cls(
            name,
            (made and made.types) or TYPES,
            made.llama_cpp if made else None,
            vision_part=made is not None and made.vision_part,
            licence=(made.licence if made else None) or manifest.licence,
            licence_name=manifest.licence_name,
            licence_link=manifest.licence_link,
            language=manifest.card.language,
            tags=manifest.card.tags,
        )


def convertible(paths: ReleasePaths, engine: Engine, converting: Converting, base: Base) -> Convertible:
    """Convert the base's vocabulary alone, which takes seconds: what is made of it has the same one.

    A vision part that is to be made is tried too, without writing it.

    Raises:
        HubpubError: HP-E01 there is no converter, HP-M10 it does not know this architecture or tokenizer.
    """
    converter = converter_of(converting, paths)
    job = MakeGguf(
        model=base.artifact.folder,
        out=str(paths.scratch / "vocabulary"),
        name=converting.name,
        types=(),
        converter=converter.script,
        vision_part=converting.vision_part,
    )
    return Convertible(record("convertible", engine.run(job).measured, paths.evidence))


def gguf(
    paths: ReleasePaths,
    engine: Engine,
    converting: Converting,
    pins: Pins,
    given: GivenGgufs | None,
    base: Base,
    merged: Merged | None,
) -> Ggufs:
    """Write a file of each type from the merged model, or from the base where nothing is merged; or link the user's own.

    Raises:
        HubpubError: HP-E01, HP-M10 as `convertible`; HP-E02 the converter failed; HP-E03 a header lacks something;
            HP-W04 one of the user's own files is damaged or missing; HP-W05 one is of another model.
    """
    folder = paths.artifact("gguf")
    if given is not None:
        return _linked(folder, converting, given, paths, merged or base)
    converter = converter_of(converting, paths)
    licence = converting.licence or _fact(base, "base.licence")
    card = {
        "license": licence,
        "license_name": converting.licence_name if converting.licence else _fact(base, "base.licence_name"),
        "license_link": converting.licence_link if converting.licence else _fact(base, "base.licence_link"),
        "base_model": pins.base_repo,
        "language": list(converting.language),
        "tags": list(converting.tags),
        "description": TAG if is_stand_in(base.artifact.folder) else None,
    }
    job = MakeGguf(
        model=(merged or base).artifact.folder,
        out=str(folder),
        name=converting.name,
        types=converting.types,
        converter=converter.script,
        quantizer=converter.quantizer,
        vision_part=converting.vision_part,
        says={key: value for key, value in card.items() if value},
    )
    result = engine.run(job)
    return Ggufs(
        Artifact("gguf", str(folder), inventory(folder)), record("gguf", result.measured, paths.evidence)
    )


def _linked(
    folder: Path, converting: Converting, given: GivenGgufs, paths: ReleasePaths, source: Made
) -> Ggufs:
    files = [file for file, _ in given.files]
    require_here(files, converting.files or "")
    models = looked_at(files, converting.files or "", converting.mmproj)
    facts = described(models, [file for file in files if is_projector(file)], Path(source.artifact.folder))
    with made_aside(folder) as aside:
        for file in files:
            place(file, aside / file.name)
    known = {file.name: sha256 for file, sha256 in given.files}
    return Ggufs(
        Artifact("gguf", str(folder), inventory(folder, known=known)), record("gguf", facts, paths.evidence)
    )


def converter_of(converting: Converting, paths: ReleasePaths) -> Converter:
    """The user's checkout of llama.cpp where the manifest names one, else the packaged converter, installed if need be."""
    if converting.llama_cpp:
        return checkout(paths.folder / converting.llama_cpp, converting.types)
    return installed((users_cache() or paths.workspace.parent) / "converters")


def _fact(base: Base, fact_id: str) -> str | None:
    value = next((fact.value for fact in base.facts if fact.id == fact_id), None)
    return str(value) if value else None
