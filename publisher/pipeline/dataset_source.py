"""What a dataset is built from, brought to this machine: the manifest's own folder, or a Hub's files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatch
from pathlib import Path
from tempfile import TemporaryDirectory

from publisher.data.build import Places
from publisher.errors import HubpubError
from publisher.hub.port import Hub, RemoteFile
from publisher.manifest.dataset import BuildSettings, HubSettings
from publisher.manifest.project import ReleasePaths
from publisher.pipeline.fetch import fetch_listed
from publisher.pipeline.services import ByteCounter, Listener, Source
from publisher.records.artifacts import RepoRef

ROWS = (".parquet", ".jsonl")
PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff")


@contextmanager
def places_of(
    settings: BuildSettings, paths: ReleasePaths, source: Source, listener: Listener
) -> Iterator[Places]:
    """Where the build reads and keeps; what was fetched for it goes when the block ends.

    Raises:
        HubpubError: HP-D01, the Hub has no such dataset, or no rows in it; HP-R01, a file arrived damaged.
    """
    answers = paths.workspace / "answers"
    if not isinstance(settings, HubSettings):
        yield Places(paths.folder, paths.folder, answers)
        return
    paths.scratch.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=paths.scratch, prefix="dataset-") as folder:
        _fetch(source.hub, settings, Path(folder), listener)
        yield Places(paths.folder, Path(folder), answers)


def _fetch(hub: Hub, settings: HubSettings, folder: Path, listener: Listener) -> None:
    repo_id, _, revision = settings.repo.partition("@")
    ref = RepoRef(repo_id, "dataset")
    if hub.state(ref) is None:
        raise HubpubError(
            "HP-D01",
            f"the dataset {repo_id} does not exist on this Hub, or this account may not see it",
            where=hub.endpoint,
            hint="check dataset.build.repo in the manifest",
        )
    wanted = _wanted(hub.tree(ref, revision), settings.files)
    if not wanted:
        raise HubpubError(
            "HP-D01",
            f"{settings.repo} has neither Parquet files nor JSON lines called {settings.files}",
            where=f"{hub.endpoint}/datasets/{repo_id}",
            hint="name others with dataset.build.files",
        )
    arrived = ByteCounter(listener, sum(file.size for file in wanted))
    for file in wanted:
        fetch_listed(hub, ref, revision, file, folder, arrived)


def _wanted(files: tuple[RemoteFile, ...], pattern: str) -> list[RemoteFile]:
    """The Parquet files that are meant, or where there are none the JSON lines with their pictures."""
    meant = [file for file in files if pattern == "**" or fnmatch(file.path, pattern)]
    parquet = [file for file in meant if file.path.endswith(ROWS[0])]
    if parquet:
        return parquet
    if not any(file.path.endswith(ROWS[1]) for file in meant):
        return []
    rows = [file for file in meant if file.path.endswith(ROWS[1])]
    return [*rows, *(file for file in files if file.path.lower().endswith(PICTURES))]
