"""One scene as a source gives it: what stands in it, its picture, and what is said of it already."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from publisher.data.aerial.colours import name_colour
from publisher.data.aerial.rle import mask_of
from publisher.data.aerial.scene import Scene, SceneObject
from publisher.data.aerial.sprites import Picture as Image
from publisher.data.installed import installed
from publisher.data.pictures import decoded
from publisher.data.sample import Origin, Picture
from publisher.errors import HubpubError


@dataclass(frozen=True)
class Said:
    """An expression that the source brings."""

    item_id: int
    text: str
    origin: Origin


@dataclass(frozen=True)
class LoadedScene:
    """A scene and all that its source knows of it.

    Attributes:
        scene: not described yet.
        where: the file that tells it.
        picture: the image as it is; None where the source has only pictures of its items.
        said: what the source says of the items; None where it says nothing and rules are needed.
        views: ready pictures of items, by id, where the source has them.
        split: the side that the source puts it on.
        photo: what it was cut from: all patches of one photo stay on one side.
        failed: expressions that the source should hold and in whose place it holds an error.
    """

    scene: Scene
    where: str
    picture: Picture | None
    said: tuple[Said, ...] | None = None
    views: Mapping[int, tuple[Picture, Picture]] = field(default_factory=dict)
    split: str | None = None
    photo: str = ""
    failed: int = 0


Load = Callable[[], LoadedScene]


def with_colours(loaded: LoadedScene) -> LoadedScene:
    """Name the colours of objects of which the source says none, by the pixels of their mask, else of their box.

    Raises:
        HubpubError: HP-D03, the image cannot be read.
    """
    scene = loaded.scene
    if loaded.picture is None or all(thing.possible_colors for thing in scene.objects):
        return loaded
    image = opened(loaded.picture, loaded.where).convert("RGB")
    objects = tuple(thing if thing.possible_colors else _coloured(thing, image) for thing in scene.objects)
    return replace(loaded, scene=replace(scene, objects=objects))


def opened(picture: Picture, where: str) -> Any:  # PIL.Image.Image
    """The picture as Pillow reads it.

    Raises:
        HubpubError: HP-D03, it does not exist, is no image or a damaged one.
    """
    try:
        return decoded(picture.read())
    except (OSError, ValueError) as fault:
        raise HubpubError(
            "HP-D03",
            f"the image {picture.name} {fault if isinstance(fault, ValueError) else 'cannot be read'}",
            hint="mend or leave out this scene, then build the dataset again",
            where=where,
        ) from fault


def _coloured(thing: SceneObject, image: Image) -> SceneObject:
    box = thing.bndbox
    edges = (box.xmin, box.ymin, box.xmax, box.ymax)
    cut = image.crop(edges)
    if thing.segmentation is not None:
        mask = mask_of(thing.segmentation, image.width, image.height).crop(edges)
    else:
        mask = installed("PIL.Image").new("L", cut.size, 255)
    cut.putalpha(mask)
    counted = cut.getcolors(maxcolors=cut.width * cut.height)
    pixels = [(count, (red, green, blue)) for count, (red, green, blue, alpha) in counted if alpha]
    color, possible = name_colour(pixels)
    return replace(thing, color=color, possible_colors=possible)
