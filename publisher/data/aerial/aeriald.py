"""AerialD on disk, in whichever of its two layouts it lies there."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from publisher.data.aerial.aeriald_folders import FILE, by_patch, load_items
from publisher.data.aerial.aeriald_xml import load_xml
from publisher.data.aerial.loaded import Load
from publisher.data.sources.files import split_told
from publisher.errors import HubpubError
from publisher.manifest.dataset import AerialdSettings

_IMAGES = (".png", ".jpg", ".jpeg", ".tif", ".tiff")


def aeriald_scenes(settings: AerialdSettings, folder: Path) -> Sequence[Load]:
    """Every scene below a folder.

    Raises:
        HubpubError: HP-D01, there is none; HP-D02, rules are asked for where only single items are known; HP-D03, a
            folder is not called after its item.
    """
    annotations = sorted(folder.rglob("*.xml"))
    if annotations:
        images: dict[str, list[Path]] = {}
        for path in sorted(folder.rglob("*")):
            if path.suffix.lower() in _IMAGES:
                images.setdefault(path.name, []).append(path)
        return [
            partial(
                load_xml,
                path,
                folder,
                images,
                model=settings.enhanced_by,
                split=split_told(path.relative_to(folder).parent),
            )
            for path in annotations
        ]
    items = by_patch(sorted(path.parent for path in folder.rglob(FILE)))
    if not items:
        raise HubpubError(
            "HP-D01",
            f"there are neither XML annotations nor folders with {FILE}",
            hint="point dataset.build.folder at the unpacked dataset",
            where=str(folder),
        )
    if settings.rules:
        raise HubpubError(
            "HP-D02",
            "rules need every object of a scene, and this layout tells single items",
            hint="leave out rules:, or take the layout with XML",
            where=str(folder),
        )
    return [
        partial(
            load_items,
            patch,
            folders,
            model=settings.enhanced_by,
            split=split_told(folders[0].relative_to(folder).parent),
        )
        for patch, folders in items.items()
    ]
