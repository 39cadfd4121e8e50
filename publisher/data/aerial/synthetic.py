"""Scenes that are drawn from a seed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache, partial

from publisher.data.aerial.loaded import Load, LoadedScene
from publisher.data.aerial.scenes import DrawnScene, draw_scene
from publisher.data.sample import Picture
from publisher.errors import HubpubError
from publisher.manifest.dataset import ScenesSettings


def synthetic_scenes(settings: ScenesSettings) -> Sequence[Load]:
    """As many as the recipe says. Their pictures are not kept: one is drawn again when it is read later.

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
    draw = partial(
        draw_scene, settings.seed, min_objects=settings.min_objects, max_objects=settings.max_objects
    )
    # What is read of one scene is read in a row: its digest at once, its image and views when rows are written.
    latest = lru_cache(maxsize=1)(draw)
    return [partial(_load, latest, index) for index in range(settings.scenes)]


def _load(draw: Callable[[int], DrawnScene], index: int) -> LoadedScene:
    scene = draw(index).scene
    return LoadedScene(scene, scene.filename, Picture(scene.filename, lambda: draw(index).png))
