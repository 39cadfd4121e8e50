"""Which scenes a recipe means: drawn ones, AerialD's or COCO's."""

from __future__ import annotations

from pathlib import Path

from publisher.data.aerial.aeriald import aeriald_scenes
from publisher.data.aerial.coco import coco_scenes
from publisher.data.aerial.source import AerialSource
from publisher.data.aerial.synthetic import synthetic_scenes
from publisher.errors import HubpubError
from publisher.manifest.dataset import SEED, AerialdSettings, CocoSettings, ScenesSettings


def open_scenes(settings: ScenesSettings | AerialdSettings | CocoSettings, root: Path) -> AerialSource:
    """The scenes of a recipe, none of them read yet.

    Raises:
        HubpubError: HP-D01, there are none; HP-D02, HP-D03: what their reader refuses.
    """
    if isinstance(settings, ScenesSettings):
        return AerialSource(synthetic_scenes(settings), settings, settings.seed)
    folder = root / settings.folder
    if not folder.is_dir():
        raise HubpubError(
            "HP-D01",
            f"the folder {settings.folder} does not exist",
            where=str(folder),
            hint="check dataset.build.folder",
        )
    if isinstance(settings, CocoSettings):
        return AerialSource(coco_scenes(settings, folder), settings, SEED)
    return AerialSource(aeriald_scenes(settings, folder), settings, SEED)
