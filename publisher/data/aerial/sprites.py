"""What each category looks like from above: a picture on a transparent ground, nose to the right.

Sizes are pixels of the finished image; pictures come `SCALE` times as large and are made smaller at the end,
which smooths their edges.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from publisher.data.installed import installed

SCALE = 2

Picture = Any  # PIL.Image.Image
Pen = Any  # PIL.ImageDraw.ImageDraw
Rgb = tuple[int, int, int]

LIGHT: Rgb = (232, 231, 224)
DARK: Rgb = (58, 60, 66)
RED: Rgb = (188, 44, 38)
ORANGE: Rgb = (214, 124, 36)
YELLOW: Rgb = (236, 202, 58)
GREEN: Rgb = (58, 138, 78)
CYAN: Rgb = (66, 190, 214)
BLUE: Rgb = (42, 88, 176)
PURPLE: Rgb = (112, 62, 168)

_WHITE: Rgb = (246, 246, 242)
_GLASS: Rgb = (44, 52, 62)
_CONCRETE: Rgb = (196, 194, 188)
_ASPHALT: Rgb = (92, 93, 97)
_GRASS: Rgb = (84, 148, 72)
_CLAY: Rgb = (196, 128, 62)


@dataclass(frozen=True)
class Sprite:
    """How to draw a category: its size (length, width) in pixels, the colours it comes in, and the drawing."""

    length: tuple[int, int]  # from, to
    slimness: float  # width / length
    colors: tuple[Rgb, ...]
    draw: Callable[[Board, Rgb], None]


class Board:
    """A transparent drawing board whose coordinates run from 0 to 1 along and across the object."""

    def __init__(self, length: int, width: int) -> None:
        self.size = (length * SCALE, width * SCALE)
        self.picture: Picture = installed("PIL.Image").new("RGBA", self.size, (0, 0, 0, 0))
        self._pen: Pen = installed("PIL.ImageDraw").Draw(self.picture)

    def polygon(self, points: Sequence[tuple[float, float]], fill: Rgb) -> None:
        """A filled polygon."""
        self._pen.polygon([self._at(*point) for point in points], fill=fill)

    def box(
        self, x0: float, y0: float, x1: float, y1: float, fill: Rgb | None, line: Rgb | None = None
    ) -> None:
        """A rectangle."""
        self._pen.rectangle([*self._at(x0, y0), *self._at(x1, y1)], fill=fill, outline=line, width=SCALE)

    def round_box(self, x0: float, y0: float, x1: float, y1: float, fill: Rgb, radius: float = 0.3) -> None:
        """A rectangle with round corners; the radius is a share of the width."""
        corner = radius * self.size[1]
        self._pen.rounded_rectangle([*self._at(x0, y0), *self._at(x1, y1)], radius=corner, fill=fill)

    def ellipse(
        self, x0: float, y0: float, x1: float, y1: float, fill: Rgb | None, line: Rgb | None = None
    ) -> None:
        """An ellipse in a rectangle."""
        self._pen.ellipse([*self._at(x0, y0), *self._at(x1, y1)], fill=fill, outline=line, width=SCALE)

    def pie(self, x0: float, y0: float, x1: float, y1: float, start: int, end: int, fill: Rgb) -> None:
        """A piece of an ellipse, degrees clockwise from the right."""
        self._pen.pieslice([*self._at(x0, y0), *self._at(x1, y1)], start, end, fill=fill)

    def line(self, x0: float, y0: float, x1: float, y1: float, fill: Rgb, width: float = 1) -> None:
        """A line; its width is pixels of the finished image."""
        self._pen.line([*self._at(x0, y0), *self._at(x1, y1)], fill=fill, width=round(width * SCALE))

    def _at(self, x: float, y: float) -> tuple[float, float]:
        return (x * (self.size[0] - 1), y * (self.size[1] - 1))


def draw_sprite(category: str, rng: Random) -> Picture:
    """One specimen of a category, of seeded size and colour, on a transparent ground."""
    sprite = SPRITES[category]
    length = rng.randint(*sprite.length)
    board = Board(length, max(round(length * sprite.slimness), 4))
    sprite.draw(board, _shade(rng.choice(sprite.colors), rng))
    return board.picture


def _shade(color: Rgb, rng: Random) -> Rgb:
    change = rng.randint(-8, 8)
    red, green, blue = (min(max(channel + change, 0), 255) for channel in color)
    return (red, green, blue)


def _darker(color: Rgb, factor: float = 0.8) -> Rgb:
    red, green, blue = (round(channel * factor) for channel in color)
    return (red, green, blue)


def _ship(board: Board, color: Rgb) -> None:
    board.polygon([(0, 0.14), (0.66, 0), (1, 0.5), (0.66, 1), (0, 0.86)], _darker(color, 0.85))
    board.polygon([(0.03, 0.24), (0.64, 0.13), (0.92, 0.5), (0.64, 0.87), (0.03, 0.76)], color)
    board.box(0.1, 0.32, 0.26, 0.68, _WHITE)
    board.line(0.36, 0.5, 0.8, 0.5, _darker(color, 0.7))


def _harbor(board: Board, color: Rgb) -> None:
    board.box(0, 0, 1, 0.3, color)
    for jetty in (0.02, 0.25, 0.48, 0.71, 0.92):
        board.box(jetty, 0.25, jetty + 0.06, 1, _darker(color, 0.93))
    board.line(0.02, 0.15, 0.98, 0.15, _darker(color, 0.85))


def _small_vehicle(board: Board, color: Rgb) -> None:
    board.round_box(0, 0.04, 1, 0.96, color)
    board.box(0.62, 0.18, 0.74, 0.82, _GLASS)
    board.box(0.14, 0.2, 0.22, 0.8, _GLASS)


def _large_vehicle(board: Board, color: Rgb) -> None:
    board.box(0, 0, 0.74, 1, color)
    board.line(0, 0.5, 0.74, 0.5, _darker(color, 0.88))
    board.box(0.74, 0.35, 0.79, 0.65, _ASPHALT)
    board.round_box(0.79, 0.06, 1, 0.94, _darker(color, 0.9), radius=0.15)
    board.box(0.9, 0.16, 0.95, 0.84, _GLASS)


def _storage_tank(board: Board, color: Rgb) -> None:
    board.ellipse(0, 0, 1, 1, _darker(color, 0.85))
    board.ellipse(0.07, 0.07, 0.93, 0.93, color)
    board.ellipse(0.24, 0.24, 0.76, 0.76, None, _darker(color, 0.85))
    board.line(0.5, 0.5, 0.93, 0.5, _darker(color, 0.75))


def _building(board: Board, color: Rgb) -> None:
    board.polygon([(0, 0), (1, 0), (1, 0.62), (0.6, 0.62), (0.6, 1), (0, 1)], color)
    board.polygon([(0, 0), (1, 0), (0.8, 0.3), (0.3, 0.3), (0.3, 1), (0, 1)], _darker(color, 0.86))
    board.box(0.42, 0.4, 0.5, 0.5, _darker(color, 0.6))


def _two_roofs(board: Board, color: Rgb) -> None:
    board.box(0, 0, 0.5, 1, LIGHT)
    board.box(0.5, 0, 1, 1, _darker(color, 0.9))
    board.line(0.25, 0, 0.25, 1, _CONCRETE)
    board.line(0.75, 0, 0.75, 1, _darker(color, 0.75))


def _either_building(board: Board, color: Rgb) -> None:
    # A roof of two colours is one whose colour cannot be named.
    (_two_roofs if color[0] % 5 == 0 else _building)(board, color)


def _swimming_pool(board: Board, color: Rgb) -> None:
    board.round_box(0, 0, 1, 1, LIGHT)
    board.round_box(0.06, 0.1, 0.94, 0.9, color)
    for lane in (0.37, 0.63):
        board.line(0.14, lane, 0.86, lane, _darker(color, 0.85))


def _tennis_court(board: Board, color: Rgb) -> None:
    board.box(0, 0, 1, 1, color)
    board.box(0.1, 0.12, 0.9, 0.88, None, _WHITE)
    board.line(0.1, 0.22, 0.9, 0.22, _WHITE)
    board.line(0.1, 0.78, 0.9, 0.78, _WHITE)
    board.line(0.5, 0.06, 0.5, 0.94, _WHITE, 1.5)
    board.line(0.3, 0.5, 0.7, 0.5, _WHITE)


def _basketball_court(board: Board, color: Rgb) -> None:
    board.box(0, 0, 1, 1, color)
    board.box(0.05, 0.08, 0.95, 0.92, None, _WHITE)
    board.line(0.5, 0.08, 0.5, 0.92, _WHITE)
    board.ellipse(0.42, 0.35, 0.58, 0.65, None, _WHITE)
    board.box(0.05, 0.34, 0.22, 0.66, _darker(color), _WHITE)
    board.box(0.78, 0.34, 0.95, 0.66, _darker(color), _WHITE)


def _soccer_ball_field(board: Board, color: Rgb) -> None:
    board.box(0, 0, 1, 1, color)
    for stripe in range(0, 10, 2):
        board.box(stripe / 10, 0, (stripe + 1) / 10, 1, _darker(color, 0.9))
    board.box(0.04, 0.06, 0.96, 0.94, None, _WHITE)
    board.line(0.5, 0.06, 0.5, 0.94, _WHITE)
    board.ellipse(0.41, 0.36, 0.59, 0.64, None, _WHITE)
    board.box(0.04, 0.28, 0.18, 0.72, None, _WHITE)
    board.box(0.82, 0.28, 0.96, 0.72, None, _WHITE)


def _baseball_diamond(board: Board, color: Rgb) -> None:
    board.pie(-1, -1, 0.98, 0.98, 0, 90, _GRASS)
    board.pie(-0.6, -0.6, 0.6, 0.6, 0, 90, color)
    board.polygon([(0.1, 0.1), (0.36, 0.1), (0.36, 0.36), (0.1, 0.36)], _GRASS)
    board.line(0, 0.01, 0.96, 0.01, _WHITE)
    board.line(0.01, 0, 0.01, 0.96, _WHITE)


def _ground_track_field(board: Board, color: Rgb) -> None:
    board.round_box(0, 0, 1, 1, color, radius=0.5)
    board.round_box(0.045, 0.075, 0.955, 0.925, _darker(color, 0.9), radius=0.43)
    board.round_box(0.07, 0.115, 0.93, 0.885, color, radius=0.4)
    board.round_box(0.12, 0.19, 0.88, 0.81, _GRASS, radius=0.32)
    board.box(0.26, 0.28, 0.74, 0.72, None, _WHITE)
    board.line(0.5, 0.28, 0.5, 0.72, _WHITE)


def _roundabout(board: Board, color: Rgb) -> None:
    board.ellipse(0, 0, 1, 1, color)
    board.ellipse(0.06, 0.06, 0.94, 0.94, None, _CONCRETE)
    board.ellipse(0.34, 0.34, 0.66, 0.66, _GRASS, _CONCRETE)


def _plane(board: Board, color: Rgb) -> None:
    board.polygon(
        [(0.62, 0.47), (0.36, 0.02), (0.25, 0.02), (0.4, 0.5), (0.25, 0.98), (0.36, 0.98), (0.62, 0.53)],
        _darker(color, 0.93),
    )
    board.polygon(
        [(0.14, 0.48), (0.04, 0.3), (0, 0.3), (0.03, 0.5), (0, 0.7), (0.04, 0.7), (0.14, 0.52)],
        _darker(color, 0.86),
    )
    board.round_box(0.02, 0.44, 0.99, 0.56, color, radius=0.06)
    board.box(0.9, 0.46, 0.93, 0.54, _GLASS)


def _helicopter(board: Board, color: Rgb) -> None:
    board.line(0.05, 0.5, 0.5, 0.5, _darker(color), 3)
    board.box(0.02, 0.38, 0.1, 0.62, _darker(color))
    board.ellipse(0.36, 0.31, 0.94, 0.69, color)
    board.ellipse(0.74, 0.38, 0.9, 0.62, _GLASS)
    board.line(0.3, 0.12, 0.9, 0.88, _darker(color, 0.7), 1.5)
    board.line(0.3, 0.88, 0.9, 0.12, _darker(color, 0.7), 1.5)


_CARS = (LIGHT, DARK, RED, BLUE, YELLOW)

SPRITES: dict[str, Sprite] = {
    "ship": Sprite((42, 88), 0.3, (LIGHT, DARK, RED, BLUE, GREEN), _ship),
    "harbor": Sprite((84, 120), 0.5, (_CONCRETE, ORANGE), _harbor),
    "small vehicle": Sprite((24, 30), 0.5, _CARS, _small_vehicle),
    "large vehicle": Sprite((46, 62), 0.34, (LIGHT, RED, BLUE, ORANGE), _large_vehicle),
    "storage tank": Sprite((26, 56), 1.0, (LIGHT, DARK, RED, GREEN), _storage_tank),
    "building": Sprite((46, 96), 0.72, (LIGHT, DARK, RED, BLUE), _either_building),
    "swimming pool": Sprite((34, 58), 0.55, (CYAN, BLUE), _swimming_pool),
    "tennis court": Sprite((58, 70), 0.5, (GREEN, BLUE, RED), _tennis_court),
    "basketball court": Sprite((52, 62), 0.56, (ORANGE, PURPLE, BLUE), _basketball_court),
    "soccer ball field": Sprite((96, 124), 0.64, (GREEN, (112, 160, 58)), _soccer_ball_field),
    "baseball diamond": Sprite((70, 96), 1.0, (_CLAY,), _baseball_diamond),
    "ground track field": Sprite((112, 140), 0.58, (RED, BLUE), _ground_track_field),
    "roundabout": Sprite((66, 84), 1.0, (_ASPHALT,), _roundabout),
    "plane": Sprite((54, 92), 0.92, (LIGHT, DARK, YELLOW), _plane),
    "helicopter": Sprite((40, 54), 0.72, (DARK, GREEN, YELLOW, RED), _helicopter),
}
CATEGORIES = tuple(sorted(SPRITES))
