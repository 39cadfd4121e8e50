"""Masks as COCO's run-length code: runs of outside and inside by turns, column by column, packed into letters."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from publisher.data.aerial.sprites import Picture
from publisher.data.installed import installed
from publisher.records.facts import Json

_FIRST = 48  # "0": six bits a letter from here on
_MORE, _SIGN, _BITS = 0x20, 0x10, 0x1F


def mask_of(counts: Json, width: int, height: int) -> Picture:
    """The mask as an image of one channel, 255 = inside.

    Args:
        counts: the packed letters, as text or bytes, or the runs as a list of numbers.
        width: of the image, in pixels.
        height: of the image, in pixels.

    Raises:
        ValueError: it is no such code, or one for an image of another size.
    """
    runs = list(counts) if isinstance(counts, list | tuple) else list(_unpacked(counts))
    if any(isinstance(run, bool) or not isinstance(run, int) or run < 0 for run in runs):
        raise ValueError("holds a run that is no length")
    if sum(runs) != width * height:
        raise ValueError(f"is of {sum(runs):,} pixels, the image of {width * height:,}")
    columns = b"".join(bytes([255 * (number % 2)]) * run for number, run in enumerate(runs))
    pil = installed("PIL.Image")
    return pil.frombytes("L", (height, width), columns).transpose(pil.Transpose.TRANSPOSE)


def counts_of(mask: Picture) -> str:
    """The packed code of a mask, an image of one channel in which 0 is outside."""
    turned = mask.point([0] + [255] * 255).transpose(installed("PIL.Image").Transpose.TRANSPOSE)
    runs = [(run[0][0] != 0, len(run[0])) for run in re.finditer(rb"\x00+|\xff+", turned.tobytes())]
    lengths = [length for _, length in runs]
    return _packed(lengths if not runs or not runs[0][0] else [0, *lengths])


def checked(told: Json, width: int, height: int) -> str:
    """The packed code of a mask as annotations hold it, made sure of by unpacking it.

    Args:
        told: `{"size": [height, width], "counts": …}`.
        width: of the image, in pixels.
        height: of the image, in pixels.

    Raises:
        ValueError: it is something else, of another size, or does not decode.
    """
    size = told.get("size") if isinstance(told, dict) else None
    if size not in ([height, width], (height, width)):
        raise ValueError(f"is of {size}, not [{height}, {width}]")
    return counts_of(mask_of(told.get("counts"), width, height))


def union(masks: Iterable[Picture]) -> Picture:
    """Whatever is inside of one of the masks, at least one of them."""
    first, *others = masks
    for other in others:
        first = installed("PIL.ImageChops").lighter(first, other)
    return first


def _packed(runs: list[int]) -> str:
    letters = []
    for number, run in enumerate(runs):
        # From the fourth run on what is told is the difference from the run two before: it is short.
        rest = run - runs[number - 2] if number > 2 else run
        while True:
            bits = rest & _BITS
            rest >>= 5
            more = rest != (-1 if bits & _SIGN else 0)
            letters.append(chr(_FIRST + (bits | _MORE if more else bits)))
            if not more:
                break
    return "".join(letters)


def _unpacked(counts: Json) -> Iterator[int]:
    if not isinstance(counts, str | bytes):
        raise ValueError("is neither text nor a list of runs")  # noqa: TRY004 — one kind of fault for the caller
    letters = counts.encode("ascii", "replace") if isinstance(counts, str) else counts
    runs: list[int] = []
    value = shift = 0
    for letter in letters:
        code = letter - _FIRST
        if not 0 <= code < 64 or shift > 60:
            raise ValueError(f"holds {chr(letter)!r}, which is no letter of it")
        value |= (code & _BITS) << shift
        shift += 5
        if code & _MORE:
            continue
        if code & _SIGN:
            value -= 1 << shift
        runs.append(value + runs[-2] if len(runs) > 2 else value)
        yield runs[-1]
        value = shift = 0
    if shift:
        raise ValueError("ends in the middle of a run")
