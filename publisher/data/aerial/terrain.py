"""The ground that objects stand on, and which of it is fit for what."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random

from publisher.data.aerial.scene import Box
from publisher.data.aerial.sprites import SCALE, Pen, Picture, Rgb
from publisher.data.installed import installed

IMAGE_SIDE = 480  # pixels, as AerialD's patches

_WATER: Rgb = (52, 104, 138)
_WAVE: Rgb = (68, 122, 154)
_SAND: Rgb = (216, 198, 156)
_MEADOW: Rgb = (126, 150, 92)
_TREE: Rgb = (66, 100, 58)
_LAWN: Rgb = (138, 166, 98)
_PLOT: Rgb = (176, 170, 142)
_ROAD: Rgb = (112, 112, 116)
_MARK: Rgb = (222, 220, 210)
_APRON: Rgb = (168, 168, 164)
_RUNWAY: Rgb = (98, 99, 104)


@dataclass(frozen=True)
class Zone:
    """Rectangles fit for some categories, and the angles at which those stand there; empty = any angle."""

    boxes: tuple[Box, ...]
    angles: tuple[int, ...] = ()


@dataclass(frozen=True)
class Terrain:
    """A painted ground, `SCALE` times as large as the finished image, and where each category may stand.

    The first category of `zones` is the one that this ground is known for.
    """

    picture: Picture
    zones: Mapping[str, Zone]


class _Canvas:
    """Paints in pixels of the finished image."""

    def __init__(self, color: Rgb) -> None:
        side = IMAGE_SIDE * SCALE
        self.picture: Picture = installed("PIL.Image").new("RGB", (side, side), color)
        self._pen: Pen = installed("PIL.ImageDraw").Draw(self.picture)

    def box(self, box: Box, fill: Rgb) -> None:
        edges = (box.xmin, box.ymin, box.xmax - 1 / SCALE, box.ymax - 1 / SCALE)
        self._pen.rectangle([edge * SCALE for edge in edges], fill=fill)

    def polygon(self, points: list[tuple[float, float]], fill: Rgb) -> None:
        self._pen.polygon([(x * SCALE, y * SCALE) for x, y in points], fill=fill)

    def dot(self, x: float, y: float, radius: float, fill: Rgb) -> None:
        edges = (x - radius, y - radius, x + radius, y + radius)
        self._pen.ellipse([edge * SCALE for edge in edges], fill=fill)

    def dash(self, x: float, y: float, length: float, fill: Rgb, *, upright: bool = False) -> None:
        end = (x, y + length) if upright else (x + length, y)
        self._pen.line([x * SCALE, y * SCALE, end[0] * SCALE, end[1] * SCALE], fill=fill, width=SCALE)

    def trees(self, rng: Random, area: Box, count: int) -> None:
        for _ in range(count):
            x, y = rng.uniform(area.xmin, area.xmax), rng.uniform(area.ymin, area.ymax)
            radius = rng.uniform(2, 5)
            self.dot(x + 1.5, y + 1.5, radius, _tint(_TREE, -22))
            self.dot(x, y, radius, _tint(_TREE, rng.randint(-8, 14)))

    def patches(self, rng: Random, color: Rgb, count: int) -> None:
        for _ in range(count):
            x, y, radius = rng.uniform(0, IMAGE_SIDE), rng.uniform(0, IMAGE_SIDE), rng.uniform(20, 70)
            outline = [
                (
                    x + radius * rng.uniform(0.6, 1.2) * math.cos(turn),
                    y + radius * rng.uniform(0.4, 0.9) * math.sin(turn),
                )
                for turn in (step * math.tau / 14 for step in range(14))
            ]
            self.polygon(outline, _tint(color, rng.choice((-7, -4, 5))))


def coast(rng: Random) -> Terrain:
    """Land above, water below, a beach between."""
    canvas = _Canvas(_MEADOW)
    canvas.patches(rng, _MEADOW, 12)
    shore = rng.randint(170, 250)
    phase = rng.uniform(0, math.tau)
    canvas.trees(rng, Box(0, 0, IMAGE_SIDE, shore - 30), 70)
    for inland, color in ((13, _SAND), (0, _tint(_WATER, 12)), (-9, _WATER)):
        canvas.polygon(_below_shore(shore - inland, phase), color)
    for _ in range(90):
        canvas.dash(
            rng.uniform(0, IMAGE_SIDE), rng.uniform(shore + 25, IMAGE_SIDE), rng.uniform(6, 18), _WAVE
        )
    water = Zone((Box(0, shore + 72, IMAGE_SIDE, IMAGE_SIDE),))
    land = (Box(0, 0, IMAGE_SIDE, shore - 24),)
    return Terrain(
        canvas.picture,
        {
            "ship": water,
            "harbor": Zone((Box(0, shore - 12, IMAGE_SIDE, shore + 62),), (0,)),
            "storage tank": Zone(land),
            "building": Zone(land, (0, 90, 180, 270)),
            "small vehicle": Zone(land),
            "helicopter": Zone(land),
        },
    )


def town(rng: Random) -> Terrain:
    """Two crossing roads and four blocks."""
    canvas = _Canvas(_PLOT)
    canvas.patches(rng, _LAWN, 16)
    x, y, half = rng.randint(150, 330), rng.randint(150, 330), 21
    blocks = tuple(
        Box(left, top, right, bottom)
        for left, right in ((0, x - half - 8), (x + half + 8, IMAGE_SIDE))
        for top, bottom in ((0, y - half - 8), (y + half + 8, IMAGE_SIDE))
    )
    for block in blocks:
        canvas.trees(rng, block, 14)
    along, across = Box(0, y - half, IMAGE_SIDE, y + half), Box(x - half, 0, x + half, IMAGE_SIDE)
    for road in (along, across):
        canvas.box(road, _ROAD)
    for step in range(0, IMAGE_SIDE, 24):
        if abs(step - x) > half + 12:
            canvas.dash(step, y, 12, _MARK)
        if abs(step - y) > half + 12:
            canvas.dash(x, step, 12, _MARK, upright=True)
    lanes = Zone(
        (Box(0, y - half, x - half, y + half), Box(x + half, y - half, IMAGE_SIDE, y + half)), (0, 180)
    )
    streets = Zone(
        (Box(x - half, 0, x + half, y - half), Box(x - half, y + half, x + half, IMAGE_SIDE)), (90, 270)
    )
    right_angles = (0, 90)
    return Terrain(
        canvas.picture,
        {
            "building": Zone(blocks, (0, 90, 180, 270)),
            "small vehicle": lanes,
            "large vehicle": streets,
            "swimming pool": Zone(blocks, right_angles),
            "tennis court": Zone(blocks, right_angles),
            "basketball court": Zone(blocks, right_angles),
            "roundabout": Zone((Box(x - 44, y - 44, x + 44, y + 44),), (0,)),
        },
    )


def playing_fields(rng: Random) -> Terrain:
    """A park with a road along one side."""
    canvas = _Canvas(_LAWN)
    canvas.patches(rng, _LAWN, 16)
    top = rng.choice((0, IMAGE_SIDE - 46))
    road = Box(0, top + 4, IMAGE_SIDE, top + 42)
    park = Box(0, 50, IMAGE_SIDE, IMAGE_SIDE) if top == 0 else Box(0, 0, IMAGE_SIDE, IMAGE_SIDE - 50)
    canvas.trees(rng, park, 60)
    canvas.box(Box(0, road.ymin - 3, IMAGE_SIDE, road.ymax + 3), _PLOT)
    canvas.box(road, _ROAD)
    for step in range(0, IMAGE_SIDE, 24):
        canvas.dash(step, (road.ymin + road.ymax) / 2, 12, _MARK)
    fields = Zone((park,), (0, 90))
    return Terrain(
        canvas.picture,
        {
            "ground track field": fields,
            "soccer ball field": fields,
            "baseball diamond": Zone((park,), (0, 90, 180, 270)),
            "tennis court": fields,
            "basketball court": fields,
            "swimming pool": fields,
            "small vehicle": Zone((road,), (0, 180)),
            "large vehicle": Zone((road,), (0, 180)),
        },
    )


def airfield(rng: Random) -> Terrain:
    """A runway, an apron beside it, and grass."""
    canvas = _Canvas(_MEADOW)
    canvas.patches(rng, _MEADOW, 14)
    left = rng.randint(20, 60)
    runway = Box(left, 0, left + 62, IMAGE_SIDE)
    apron = Box(left + 92, 0, IMAGE_SIDE, rng.randint(250, 310))
    grass = Box(left + 92, apron.ymax + 8, IMAGE_SIDE, IMAGE_SIDE)
    canvas.trees(rng, grass, 40)
    canvas.box(apron, _APRON)
    canvas.box(Box(runway.xmax, 120, apron.xmin, 160), _APRON)
    canvas.box(runway, _RUNWAY)
    for step in range(6, IMAGE_SIDE, 36):
        canvas.dash((runway.xmin + runway.xmax) / 2, step, 20, _MARK, upright=True)
    for seam in range(apron.xmin + 40, IMAGE_SIDE, 40):
        canvas.dash(seam, 0, apron.ymax, _tint(_APRON, -10), upright=True)
    anywhere = Zone((apron,), (0, 45, 90, 135, 180, 225, 270, 315))
    return Terrain(
        canvas.picture,
        {
            "plane": Zone((runway, apron), anywhere.angles),
            "helicopter": anywhere,
            "small vehicle": anywhere,
            "large vehicle": anywhere,
            "storage tank": Zone((grass,)),
            "building": Zone((grass,), (0, 90, 180, 270)),
        },
    )


def _below_shore(shore: float, phase: float) -> list[tuple[float, float]]:
    """Everything below a wavy line across the image."""
    side = float(IMAGE_SIDE)
    wave = [
        (float(x), shore + 7 * math.sin(x / 55 + phase) + 3 * math.sin(x / 19))
        for x in range(0, IMAGE_SIDE + 4, 4)
    ]
    return [*wave, (side, side), (0.0, side)]


TERRAINS: tuple[Callable[[Random], Terrain], ...] = (coast, town, playing_fields, airfield)


def _tint(color: Rgb, change: int) -> Rgb:
    red, green, blue = (min(max(channel + change, 0), 255) for channel in color)
    return (red, green, blue)
