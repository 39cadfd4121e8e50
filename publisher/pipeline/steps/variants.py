"""variants: folders of weights that other programs quantized, held against their source and linked, never changed."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from publisher.errors import HubpubError
from publisher.evidence.files import inventory
from publisher.evidence.record import record
from publisher.manifest.lock import Lock, read_lock
from publisher.manifest.project import ReleasePaths
from publisher.manifest.schema import Manifest
from publisher.pipeline.folders import contents, made_aside, place
from publisher.pipeline.inputs import GivenVariants, variant_folders
from publisher.pipeline.levels import Levels
from publisher.records.artifacts import Artifact, Kind
from publisher.records.forms import ENGINES, FORMS
from publisher.records.runs import Base, Merged, Variants
from publisher.weights.variant import describe_variant, read_variant


def variants(paths: ReleasePaths, given: GivenVariants, base: Base, merged: Merged | None) -> Variants:
    """Read each folder's headers and configuration, hold them against the source, link the files.

    Raises:
        HubpubError: HP-W05 another form, or of another model; HP-B04, HP-W01 … HP-W03 for the files.
    """
    source = Path((merged or base).artifact.folder)
    measured = [
        fact
        for kind, folder in given.folders.items()
        for fact in describe_variant(read_variant(kind, folder), source)
    ]
    artifacts = []
    for kind, folder in given.folders.items():
        with made_aside(paths.artifact(kind)) as aside:
            for path, file in contents(folder):
                place(file, aside / path)
        here = paths.artifact(kind)
        artifacts.append(Artifact(kind, str(here), inventory(here, known=given.files[kind])))
    return Variants(tuple(artifacts), record("variants", tuple(measured), paths.evidence))


def variant_problems(paths: ReleasePaths, manifest: Manifest, levels: Levels) -> Iterator[HubpubError]:
    """What the folders alone tell, in the first second; and a proof that this machine cannot give."""
    lock = read_lock(paths.lock)
    for kind, folder in variant_folders(manifest, paths.folder).items():
        try:
            method = _method(kind, folder, lock)
        except HubpubError as problem:
            yield problem
            continue
        engines, level = ENGINES.get(method), levels[kind]
        missing = None if engines is None else [name for name in engines if find_spec(name) is None]
        if level != "static" and missing != []:
            needs = f"not installed: {', '.join(missing)}" if missing else "transformers does not read it"
            yield HubpubError(
                "HP-E01",
                f"{FORMS[kind].label} weights cannot be {'run' if level == 'run' else 'loaded'} on this machine: {needs}",
                where=str(paths.manifest),
                hint=f"{kind}: {{folder: {manifest.artifacts[kind].folder}, proof: static}}; the card then says so",
                missing=missing or [],
            )


def _method(kind: Kind, folder: Path, lock: Lock | None) -> str:
    """Which method packed the weights: as the folder says, or as the lock does where they come back from the Hub."""
    if folder.is_dir():
        return read_variant(kind, folder).method
    if lock is None or kind not in lock.artifacts:
        raise HubpubError(
            "HP-B04",
            f"the folder of artifacts.{kind} does not exist",
            where=str(folder),
            hint=f"{kind}: {{folder: …}} takes a folder relative to the manifest",
        )
    return next((str(fact.value) for fact in lock.facts if fact.id == f"{kind}.method"), "")
