"""Folders that a manifest brings: where they are, and what tells that they changed."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from glob import glob
from pathlib import Path

from publisher.errors import HubpubError
from publisher.evidence.hashes import HashCache
from publisher.evidence.imported.benchmarks import result_files
from publisher.evidence.imported.run import candidates
from publisher.manifest.dataset import DatasetSettings
from publisher.manifest.evaluation import SmokeSettings
from publisher.manifest.lock import Lock
from publisher.manifest.schema import Manifest
from publisher.pipeline.folders import contents
from publisher.records.artifacts import FileRecord, Kind
from publisher.records.benchmarks import FILE
from publisher.records.digest import digest
from publisher.records.facts import Facts


@dataclass(frozen=True)
class Given:
    """A place that the manifest names: a folder, or a Hub repo. Its digest changes when the folder's files do."""

    place: str
    digest: str


class GivenBase(Given):
    """`base.folder`."""


class GivenAdapter(Given):
    """`adapter`: a folder relative to the manifest, or owner/repo@revision."""


class GivenDataset(Given):
    """What `dataset` is made of: a folder or file, or owner/repo@revision."""


@dataclass(frozen=True)
class GivenGeneral:
    """`evaluate.general`: running text, a paragraph a line, that has nothing to do with the task."""

    lines: tuple[str, ...]

    @property
    def digest(self) -> str:
        """The words."""
        return digest(self.lines)


def general_of(manifest: Manifest, root: Path) -> GivenGeneral | None:
    """The lines that hold any word; None where the manifest names no such file.

    Raises:
        HubpubError: HP-C05, it is no UTF-8 text, or there are no words in it.
    """
    name = manifest.evaluate.general if manifest.evaluate else None
    if name is None:
        return None
    try:
        lines = (root / name).read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError:
        lines = []
    told = tuple(line.strip() for line in lines if line.strip())
    if not told:
        raise HubpubError(
            "HP-C05",
            f"{name} holds no UTF-8 text",
            where=str(root / name),
            hint="evaluate.general: names a file of running text, a paragraph a line; or leave it out",
        )
    return GivenGeneral(told)


@dataclass(frozen=True)
class AskedPrompt:
    """One prompt of `smoke:`, and the files of its pictures, each with its sha256. The digest is that of words and bytes."""

    settings: SmokeSettings
    pictures: tuple[tuple[Path, str], ...] = ()

    @property
    def digest(self) -> str:
        """What is asked and expected, wherever the pictures lie."""
        asked = self.settings.model_dump(mode="json", by_alias=True)
        return digest([asked, [sha256 for _, sha256 in self.pictures]])


def smoke_of(manifest: Manifest, root: Path, sha256: Callable[[Path], str]) -> tuple[AskedPrompt, ...]:
    """The smoke prompts; that their pictures are there was seen to when the manifest was read."""
    return tuple(
        AskedPrompt(asked, tuple((root / file, sha256(root / file)) for file in asked.images))
        for asked in manifest.smoke
    )


@dataclass(frozen=True)
class GivenRun:
    """`training_run`: what another trainer left. Its digest changes when one of the files does."""

    places: tuple[str, ...]
    digest: str


def run_of(places: tuple[str, ...], root: Path, hashes: HashCache) -> GivenRun:
    """The files that may tell of a training, by names and bytes; what is not there is refused by who reads it."""
    files = [file for file in candidates(root, places) if file.is_file()]
    return GivenRun(places, digest([places, [[file.name, hashes.sha256(file)] for file in files]]))


@dataclass(frozen=True)
class GivenBenchmarks:
    """`lm_eval`: results of benchmarks. Its digest changes when one of the files does.

    `before` is what was known of these files when the last run ended: which weights they were read for.
    """

    places: Mapping[str, tuple[str, ...]]
    digest: str
    before: Facts


def benchmarks_of(manifest: Manifest, root: Path, hashes: HashCache, lock: Lock | None) -> GivenBenchmarks:
    """The results files, by names and bytes; what is not there is refused by who reads it."""
    files = {
        kind: [[file.name, hashes.sha256(file)] for file in result_files(root, of_kind) if file.is_file()]
        for kind, of_kind in manifest.lm_eval.items()
    }
    known = [fact for fact in lock.facts if fact.id.startswith(FILE)] if lock else []
    return GivenBenchmarks(manifest.lm_eval, digest([manifest.lm_eval, files]), Facts(known))


def state_of(place: str, root: Path, hashes: HashCache) -> str:
    """The bytes of a folder's files, under their names; of anything else, its name."""
    folder = root / place
    if folder.is_file():
        return digest([place, hashes.sha256(folder)])
    files = sorted(p for p in folder.rglob("*") if p.is_file()) if folder.is_dir() else []
    return digest([place, [[file.relative_to(folder).as_posix(), hashes.sha256(file)] for file in files]])


def dataset_of(settings: DatasetSettings | None, root: Path, hashes: HashCache) -> GivenDataset | None:
    """All that a dataset is read from, the prompt of its enhancement included; None where nothing is."""
    places = settings.places if settings else ()
    if not places:
        return None
    return GivenDataset(places[0], digest([state_of(place, root, hashes) for place in places]))


@dataclass(frozen=True)
class GivenGgufs:
    """`gguf: {files, mmproj}`: files that were made elsewhere, each with its sha256. The digest is that of names and bytes."""

    files: tuple[tuple[Path, str], ...]

    @property
    def digest(self) -> str:
        """Names and bytes, wherever they lie."""
        return digest(sorted([file.name, sha256] for file, sha256 in self.files))


@dataclass(frozen=True)
class GivenVariants:
    """`awq: {folder}` and the like: each form's folder, and its files with their sha256."""

    folders: Mapping[Kind, Path]
    files: Mapping[Kind, Mapping[str, str]]  # path below the folder → sha256

    @property
    def digest(self) -> str:
        """Names and bytes, wherever they lie."""
        return digest(self.files)


def variants_of(
    manifest: Manifest, root: Path, hashes: HashCache, lock: Lock | None = None
) -> GivenVariants | None:
    """The folders of weights that were quantized elsewhere, hashed once; None where the manifest names none.

    A folder that is not on this machine is what the lock has of it: then its files come back from the Hub.
    """
    folders = variant_folders(manifest, root)
    if not folders:
        return None
    return GivenVariants(
        folders,
        {
            kind: {file.path: file.sha256 for file in lock.artifacts[kind].files}
            if lock and kind in lock.artifacts and not folder.is_dir()
            else {path: hashes.sha256(file) for path, file in contents(folder)}
            for kind, folder in folders.items()
        },
    )


def variant_folders(manifest: Manifest, root: Path) -> dict[Kind, Path]:
    """Where those folders are."""
    return {
        kind: (root / settings.folder).resolve()
        for kind, settings in manifest.artifacts.items()
        if settings.folder is not None
    }


def ggufs_of(
    manifest: Manifest, root: Path, hashes: HashCache, lock: Lock | None = None
) -> GivenGgufs | None:
    """The files that the gguf artifact names, hashed once; None where its files are made here.

    Where no model of them is on this machine, they are what the lock has: then they come back from the Hub.
    """
    found = given_files(manifest, root)
    if found is None:
        return None
    released = released_ggufs(manifest, root, lock)
    return GivenGgufs(
        tuple((root / file.path, file.sha256) for file in released)
        or tuple((file, hashes.sha256(file)) for file in found)
    )


def own_weights(ggufs: GivenGgufs | None, variants: GivenVariants | None) -> dict[str, Path]:
    """By sha256, the files that were quantized elsewhere and that are on this machine."""
    files = list(ggufs.files) if ggufs else []
    if variants is not None:
        for kind, folder in variants.folders.items():
            files += [(folder / path, sha256) for path, sha256 in variants.files[kind].items()]
    return {sha256: file for file, sha256 in files if file.is_file()}


def released_ggufs(manifest: Manifest, root: Path, lock: Lock | None) -> tuple[FileRecord, ...]:
    """The files of the last release, where the manifest names own ones and none of its models is on this machine."""
    made = manifest.artifacts.get("gguf")
    locked = lock.artifacts.get("gguf") if lock else None
    if made is None or made.files is None or locked is None or _matching(made.files, root):
        return ()
    return locked.files


def given_files(manifest: Manifest, root: Path) -> tuple[Path, ...] | None:
    """Where those files are; None where the manifest names none, empty where nothing matches."""
    made = manifest.artifacts.get("gguf")
    if made is None or made.files is None:
        return None
    named = (made.files, *((made.mmproj,) if made.mmproj else ()))
    return tuple(sorted({file for pattern in named for file in _matching(pattern, root)}))


def _matching(pattern: str, root: Path) -> set[Path]:
    """Absolute and not resolved: in a cache of downloads the links have the names, and their targets do not."""
    matches = (Path(os.path.abspath(match)) for match in glob(str(root / pattern)))
    return {match for match in matches if match.is_file()}
