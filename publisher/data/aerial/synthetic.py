"""Scenes that are drawn from a seed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from publisher.data.aerial.loaded import Load, LoadedScene
from publisher.data.aerial.scenes import draw_scene
from publisher.data.sample import Picture
from publisher.errors import HubpubError
from publisher.manifest.dataset import ScenesSettings


def synthetic_scenes(settings: ScenesSettings) -> Sequence[Load]:
    """As many as the recipe says.

    Raises:
        HubpubError: HP-D01, it says none; HP-D03, it asks for fewer objects than one or for more at least than at most.
    """
    if settings.scenes < 1:
        raise HubpubError(
            "HP-D01",
            f"{settings.scenes} scenes give no rows",
            hint="set scenes to 1 or more; the default is 60",
            scenes=settings.scenes,
        )
    if not 1 <= settings.min_objects <= settings.max_objects:
        raise HubpubError(
            "HP-D03",
            f"a scene cannot hold {settings.min_objects} to {settings.max_objects} objects",
            hint="set min_objects to 1 or more and max_objects to no less than that",
            min_objects=settings.min_objects,
            max_objects=settings.max_objects,
        )
    return [partial(_draw, settings, index) for index in range(settings.scenes)]


def _draw(settings: ScenesSettings, index: int) -> LoadedScene:
    drawn = draw_scene(
        settings.seed, index, min_objects=settings.min_objects, max_objects=settings.max_objects
    )
    return LoadedScene(drawn.scene, drawn.scene.filename, Picture(drawn.scene.filename, lambda: drawn.png))
