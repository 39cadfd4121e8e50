"""The name of an object's colour, from its pixels: a hue, `light`, `dark`, or none that is beyond doubt."""

from __future__ import annotations

import colorsys
from collections import Counter
from collections.abc import Iterable

# AerialD's hue circle, in degrees: each name reaches up to its number.
_HUES = (
    (21, "red"),
    (41, "orange"),
    (70, "yellow"),
    (171, "green"),
    (201, "cyan"),
    (261, "blue"),
    (291, "purple"),
    (339, "magenta"),
    (361, "red"),
)
COLOURS = ("light", "dark", *dict.fromkeys(name for _, name in _HUES))

_GREY_BELOW = 0.25  # saturation
_LIGHT_FROM = 0.54  # value
_BEYOND_DOUBT = 0.70  # share of the pixels that one name must have
_WORTH_SAYING = 0.25  # share from which a viewer might use a name
_FEWEST_PIXELS = 100


def name_colour(pixels: Iterable[tuple[int, tuple[int, int, int]]]) -> tuple[str | None, tuple[str, ...]]:
    """Name a colour.

    Args:
        pixels: how often each colour occurs, and its red, green and blue, 0..255.

    Returns:
        The name that is beyond doubt (None where there is none), and all names that a viewer might use, sorted.
        Too few pixels to judge by: no name, and any is possible.
    """
    shares: Counter[str] = Counter()
    for count, rgb in pixels:
        shares[_name(rgb)] += count
    total = shares.total()
    if total < _FEWEST_PIXELS:
        return None, tuple(sorted(COLOURS))
    possible = tuple(sorted(name for name, count in shares.items() if count >= _WORTH_SAYING * total))
    certain = [name for name, count in shares.items() if count >= _BEYOND_DOUBT * total]
    return (certain[0] if certain else None), possible


def _name(rgb: tuple[int, int, int]) -> str:
    red, green, blue = rgb
    hue, saturation, value = colorsys.rgb_to_hsv(red / 255, green / 255, blue / 255)
    if saturation < _GREY_BELOW:
        return "light" if value >= _LIGHT_FROM else "dark"
    return next(name for upto, name in _HUES if hue * 360 < upto)
