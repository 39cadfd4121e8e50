"""Folders that a manifest brings: where they are, and what tells that they changed."""

from __future__ import annotations

from dataclasses import dataclass
from glob import glob
from pathlib import Path

from publisher.evidence.hashes import HashCache
from publisher.evidence.imported.run import candidates
from publisher.manifest.schema import Manifest
from publisher.records.digest import digest


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
    """`dataset.folder`."""


@dataclass(frozen=True)
class GivenRun:
    """`training_run`: what another trainer left. Its digest changes when one of the files does."""

    places: tuple[str, ...]
    digest: str


def run_of(places: tuple[str, ...], root: Path, hashes: HashCache) -> GivenRun:
    """The files that may tell of a training, by names and bytes; what is not there is refused by who reads it."""
    files = [file for file in candidates(root, places) if file.is_file()]
    return GivenRun(places, digest([places, [[file.name, hashes.sha256(file)] for file in files]]))


def state_of(place: str, root: Path, hashes: HashCache) -> str:
    """The bytes of a folder's files, under their names; of anything else, its name."""
    folder = root / place
    files = sorted(p for p in folder.rglob("*") if p.is_file()) if folder.is_dir() else []
    return digest([place, [[file.relative_to(folder).as_posix(), hashes.sha256(file)] for file in files]])


@dataclass(frozen=True)
class GivenGgufs:
    """`gguf: {files, mmproj}`: files that were made elsewhere, each with its sha256. The digest is that of names and bytes."""

    files: tuple[tuple[Path, str], ...]

    @property
    def digest(self) -> str:
        """Names and bytes, wherever they lie."""
        return digest([[file.name, sha256] for file, sha256 in self.files])


def ggufs_of(manifest: Manifest, root: Path, hashes: HashCache) -> GivenGgufs | None:
    """The files that the gguf artifact names, hashed once; None where its files are made here."""
    found = given_files(manifest, root)
    return None if found is None else GivenGgufs(tuple((file, hashes.sha256(file)) for file in found))


def given_files(manifest: Manifest, root: Path) -> tuple[Path, ...] | None:
    """Where those files are; None where the manifest names none, empty where nothing matches."""
    made = manifest.artifacts.get("gguf")
    if made is None or made.files is None:
        return None
    named = (made.files, *((made.mmproj,) if made.mmproj else ()))
    matches = (Path(match) for pattern in named for match in glob(str(root / pattern)))
    return tuple(sorted({match.resolve() for match in matches if match.is_file()}))
