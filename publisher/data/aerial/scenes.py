"""Seeded synthetic scenes: a ground, objects on it that do not touch, and what a viewer sees of each."""

from __future__ import annotations

import io
from dataclasses import dataclass
from random import Random

from publisher.data.aerial.colours import name_colour
from publisher.data.aerial.rle import counts_of
from publisher.data.aerial.scene import Box, Scene, SceneObject
from publisher.data.aerial.sprites import SCALE, Picture, draw_sprite
from publisher.data.aerial.terrain import IMAGE_SIDE, TERRAINS, Terrain, Zone
from publisher.data.installed import installed
from publisher.errors import HubpubError

_KINDS = 4  # categories of one scene: few, so that there is something to tell apart
_APART = 7  # pixels between two objects
_CUT_OFF = 0.07  # share of the objects that may reach over the image's edge
_TRIES = 400  # placements tried before a scene counts as full
_SHADOW = (3, 4)  # pixels to the right and down
_SHADE = (24, 28, 30)  # a shadow's colour


@dataclass(frozen=True)
class DrawnScene:
    """A scene and its image as PNG bytes."""

    scene: Scene
    png: bytes


@dataclass(frozen=True)
class _Placed:
    """An object's picture, and where it stands in pixels of the finished image."""

    category: str
    picture: Picture
    box: Box  # of the whole picture: it may reach over the image's edge


def draw_scene(seed: int, index: int, *, min_objects: int, max_objects: int) -> DrawnScene:
    """Draw one scene. It depends on these four numbers alone: scene 7 is the same among 10 as among 1000.

    Raises:
        HubpubError: HP-D03, there is no room for `min_objects`; HP-E01, no Pillow.
    """
    rng = Random(f"{seed}/{index}")
    terrain = TERRAINS[index % len(TERRAINS)](rng)
    filename = f"scene_{index:05d}.png"
    placed = _place(rng, terrain, rng.randint(min_objects, max_objects))
    if len(placed) < min_objects:
        raise HubpubError(
            "HP-D03",
            f"{filename} has room for {len(placed)} objects and should hold {min_objects}",
            hint="lower min_objects",
            where=filename,
            room=len(placed),
        )
    picture, masks = _paint(terrain, placed)
    objects = tuple(
        _seen(number, one.category, picture, mask, one.box)
        for number, (one, mask) in enumerate(zip(placed, masks, strict=True), start=1)
    )
    png = io.BytesIO()
    picture.save(png, format="PNG", compress_level=6)
    return DrawnScene(Scene(filename, IMAGE_SIDE, IMAGE_SIDE, objects), png.getvalue())


def _place(rng: Random, terrain: Terrain, wanted: int) -> list[_Placed]:
    # Each ground's own category is always there, or planes would be rare: they stand on one ground only.
    typical, *others = terrain.zones
    kinds = [typical, *rng.sample(others, k=min(_KINDS - 1, len(others)))]
    placed: list[_Placed] = []
    for attempt in range(_TRIES):
        if len(placed) == wanted:
            break
        if attempt == _TRIES // 2:  # the chosen kinds find no more room: let the others in
            kinds = sorted(terrain.zones)
        candidate = _candidate(rng, rng.choice(kinds), terrain)
        if candidate and not any(candidate.box.overlaps(other.box, margin=_APART) for other in placed):
            placed.append(candidate)
    return placed


def _candidate(rng: Random, category: str, terrain: Terrain) -> _Placed | None:
    zone = terrain.zones[category]
    turned = draw_sprite(category, rng).rotate(
        rng.choice(zone.angles) if zone.angles else rng.randrange(0, 360, 5),
        resample=installed("PIL.Image").Resampling.BICUBIC,
        expand=True,
    )
    turned = turned.crop(turned.getbbox())
    width, height = -(-turned.width // SCALE), -(-turned.height // SCALE)
    over = round(min(width, height) * rng.uniform(0.3, 0.6)) if rng.random() < _CUT_OFF else 0
    box = _spot(rng, zone, width, height, over)
    return None if box is None else _Placed(category, turned, box)


def _spot(rng: Random, zone: Zone, width: int, height: int, over: int) -> Box | None:
    """A place for a picture in one of a zone's rectangles, `over` pixels beyond the image's edge if it can be."""
    area = rng.choice(zone.boxes)
    # Clear of the image's edge: an object that only touches it would leave open whether it is whole.
    left, top = max(area.xmin, 3), max(area.ymin, 3)
    right, bottom = min(area.xmax, IMAGE_SIDE - 3) - width, min(area.ymax, IMAGE_SIDE - 3) - height
    if right < left or bottom < top:
        return None
    x, y = rng.randint(left, right), rng.randint(top, bottom)
    if over:
        if area.xmin == 0:
            x = -over
        elif area.xmax == IMAGE_SIDE:
            x = IMAGE_SIDE - width + over
        elif area.ymin == 0:
            y = -over
        elif area.ymax == IMAGE_SIDE:
            y = IMAGE_SIDE - height + over
    return Box(x, y, x + width, y + height)


def _paint(terrain: Terrain, placed: list[_Placed]) -> tuple[Picture, list[Picture]]:
    """The finished image, and for each object a mask (white = visible) of the same size."""
    pil = installed("PIL.Image")
    large = terrain.picture
    masks = []
    for one in placed:
        x, y = one.box.xmin, one.box.ymin
        opaque = one.picture.getchannel("A")
        dimmed = opaque.point([alpha // 3 for alpha in range(256)])
        large.paste(_SHADE, ((x + _SHADOW[0]) * SCALE, (y + _SHADOW[1]) * SCALE), dimmed)
        large.paste(one.picture, (x * SCALE, y * SCALE), opaque)
        # Whole blocks of SCALE x SCALE pixels, so that mask and image are made smaller in the same way.
        padded = pil.new("L", ((one.box.xmax - x) * SCALE, (one.box.ymax - y) * SCALE), 0)
        padded.paste(opaque, (0, 0))
        mask = pil.new("L", (IMAGE_SIDE, IMAGE_SIDE), 0)
        mask.paste(padded.reduce(SCALE).point([255 * (alpha >= 128) for alpha in range(256)]), (x, y))
        masks.append(mask)
    return large.reduce(SCALE), masks


def _seen(number: int, category: str, picture: Picture, mask: Picture, whole: Box) -> SceneObject:
    box = Box(*mask.getbbox())
    edges = (box.xmin, box.ymin, box.xmax, box.ymax)
    cut = picture.crop(edges)
    cut.putalpha(mask.crop(edges))
    colors = cut.getcolors(maxcolors=cut.width * cut.height)
    pixels = [(count, (red, green, blue)) for count, (red, green, blue, alpha) in colors if alpha]
    color, possible = name_colour(pixels)
    return SceneObject(
        id=number,
        name=category,
        bndbox=box,
        area=sum(count for count, _ in pixels),
        color=color,
        possible_colors=possible,
        segmentation=counts_of(mask),
        is_cutoff=whole.xmin < 0 or whole.ymin < 0 or whole.xmax > IMAGE_SIDE or whole.ymax > IMAGE_SIDE,
    )
