"""Whether a file on a Hub is the file that we mean, without fetching it where that can be told."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from publisher.evidence.files import git_blob_id, git_blob_id_of
from publisher.hub.port import Hub, RemoteFile
from publisher.hub.retry import retried
from publisher.records.artifacts import FileRecord, is_card_file
from publisher.records.plans import Package
from publisher.release.authorship import written_by_us

# Files that the Hub puts into a repo itself.
HUBS_OWN = frozenset({".gitattributes"})


def same(hub: Hub, package: Package, revision: str, remote: RemoteFile | None, ours: FileRecord) -> bool:
    """Compare by sha256 where the Hub knows it (LFS), else by git's blob id, else by reading the small file.

    `remote` is what `revision` holds under our path.
    """
    if remote is None or remote.size != ours.size:
        return False
    if remote.sha256 is not None:
        return remote.sha256 == ours.sha256
    if package.readme is not None and ours.path in package.readme.texts:
        return remote.blob_id == git_blob_id_of(package.readme.texts[ours.path].encode())
    if package.folder is not None:
        return remote.blob_id == git_blob_id(Path(package.folder) / ours.path)
    return sha256_served(hub, package, revision, ours.path) == ours.sha256


def sha256_served(hub: Hub, package: Package, revision: str, path: str, keep: Path | None = None) -> str:
    """Fetch a file and hash it in passing; a body that was cut short on its way is fetched again.

    `keep` is where its bytes shall lie afterwards, if anywhere.
    """

    def fetched() -> str:
        sha = hashlib.sha256()
        with _writing(keep) as write:
            for piece in hub.read(package.ref, revision, path):
                sha.update(piece)
                write(piece)
        return sha.hexdigest()

    return retried(fetched)


@contextmanager
def _writing(file: Path | None) -> Iterator[Callable[[bytes], object]]:
    if file is None:
        yield len  # nothing is kept
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("wb") as stream:
        yield stream.write


def same_contents(hub: Hub, package: Package, revision: str, name: str) -> bool:
    """Whether a revision holds the package's weights, data and configuration, whatever its card says.

    A further file is a difference if we wrote it; what others put beside ours is none.
    """
    remote = {file.path: file for file in contents_of(hub.tree(package.ref, revision))}
    if not all(same(hub, package, revision, remote.get(file.path), file) for file in package.contents):
        return False
    further = remote.keys() - {file.path for file in package.contents}
    return not written_by_us(hub, package.ref, name, revision, further)


def contents_of(tree: Iterable[RemoteFile]) -> list[RemoteFile]:
    """The files of a tree that are neither the card's nor the Hub's own."""
    return [file for file in tree if not is_card_file(file.path) and file.path not in HUBS_OWN]
