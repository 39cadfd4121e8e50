"""Packages: the artifacts that the manifest lists, each with its repo, in promotion order."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from publisher.manifest.lock import Lock, write_whole
from publisher.manifest.project import ReleasePaths
from publisher.records.artifacts import KINDS, README, RENDERING
from publisher.records.plans import Package
from publisher.records.runs import Cards, Identity, Made


def pack(identity: Identity, made: Sequence[Made | None], cards: Cards | None = None) -> tuple[Package, ...]:
    """What was made, as it shall be on the Hub."""
    by_kind = {item.artifact.kind: item.artifact for item in made if item is not None}
    return tuple(
        Package(
            kind=kind,
            ref=identity.refs[kind],
            folder=by_kind[kind].folder,
            contents=by_kind[kind].files,
            card=tuple(cards.files[kind]) if cards else (),
            private=identity.private[kind],
        )
        for kind in KINDS
        if kind in identity.refs and kind in by_kind
    )


def pack_locked(identity: Identity, lock: Lock, paths: ReleasePaths) -> tuple[Package, ...]:
    """What the lock says exists; files are at hand only where the workspace still has them all."""
    packages = []
    for kind in identity.refs:
        locked = lock.artifacts.get(kind)
        if locked is None:
            continue
        folder = paths.artifact(kind)
        files = (
            f for f in (*locked.files, *locked.card) if f.path != README
        )  # which differs where it was merged
        here = all(_has(folder / f.path, f.size) for f in files)
        packages.append(
            Package(
                kind=kind,
                ref=identity.refs[kind],
                folder=str(folder) if here else None,
                contents=locked.files,
                card=locked.card,
                private=identity.private[kind],
            )
        )
    return tuple(packages)


def pack_unmade(identity: Identity) -> tuple[Package, ...]:
    """The repos of a release of which nothing was made yet: their names and visibility, and no files."""
    return tuple(
        Package(kind, ref, None, (), (), identity.private[kind]) for kind, ref in identity.refs.items()
    )


def lay_out(package: Package) -> None:
    """Put the README that shall be on the Hub into the package's folder, and what was rendered beside it."""
    if package.readme is None or package.folder is None:
        return
    folder = Path(package.folder)
    if RENDERING not in package.readme.texts:
        (folder / RENDERING).unlink(missing_ok=True)
    for path, text in package.readme.texts.items():
        file = folder / path
        if not file.is_file() or file.read_bytes() != text.encode():
            write_whole(file, text)


def _has(file: Path, size: int) -> bool:
    return file.is_file() and file.stat().st_size == size
