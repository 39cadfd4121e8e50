"""Rows in AerialD's schema: boxes by `xmin` to `ymax`, run-length coded masks, groups of objects."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import Any

from publisher.checks.observe.pictures import look

_CORNERS = ("xmin", "ymin", "xmax", "ymax")
_BOX_KEYS = ("bbox", "bndbox")
_MOST_CODE = 1024 * 1024  # characters of one mask


def flaws(row: Mapping[str, Any]) -> Iterator[str]:
    """What cannot be true of a row; nothing for a row of another schema."""
    boxes = [row[key] for key in _BOX_KEYS if _is_box(row.get(key))]
    several = row.get("bboxes")
    boxes += [box for box in several if _is_box(box)] if isinstance(several, list) else []
    size = _size(row)
    for box in boxes:
        if box["xmin"] >= box["xmax"] or box["ymin"] >= box["ymax"]:
            yield "a box without area"
        elif min(box["xmin"], box["ymin"]) < 0 or (
            size is not None and (box["xmax"] > size[0] or box["ymax"] > size[1])
        ):
            within = f" of {size[0]}x{size[1]} pixels" if size else ""
            yield f"a box that reaches over the image{within}"
    if boxes:
        yield from _group(row)
        yield from _mask(row)


def _is_box(value: Any) -> bool:
    return isinstance(value, Mapping) and all(type(value.get(corner)) in (int, float) for corner in _CORNERS)


def _size(row: Mapping[str, Any]) -> tuple[int, int] | None:
    """Width and height: of the image in the row, else as the row says."""
    image = row.get("image")
    if isinstance(image, Mapping) and isinstance(image.get("bytes"), bytes):
        return look(image["bytes"]).size
    said = row.get("size") if isinstance(row.get("size"), Mapping) else row
    assert isinstance(said, Mapping)
    width, height = said.get("width"), said.get("height")
    return (width, height) if type(width) is int and type(height) is int and width and height else None


def _group(row: Mapping[str, Any]) -> Iterator[str]:
    members = row.get("bboxes")
    for key in ("group_size", "num_bboxes"):
        count = row.get(key)
        if isinstance(members, list) and type(count) is int and members and count != len(members):
            yield f"{key} is not the number of its bboxes"
            return


def _mask(row: Mapping[str, Any]) -> Iterator[str]:
    code = row.get("segmentation")
    if isinstance(code, str) and code.lstrip().startswith("{"):  # AerialD writes a Python literal
        try:
            code = ast.literal_eval(code) if len(code) <= _MOST_CODE else None
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            yield "a segmentation that cannot be read"
            return
    if not isinstance(code, Mapping) or not {"size", "counts"} <= code.keys():
        return
    size, counts = code["size"], code["counts"]
    if not (isinstance(size, list) and len(size) == 2 and all(type(side) is int for side in size)):
        return
    runs = decode_runs(counts)
    if runs is None or min(runs, default=0) < 0 or sum(runs) != size[0] * size[1]:
        yield "a segmentation that does not decode to its size"
        return
    area = row.get("area")
    if type(area) in (int, float) and area != sum(runs[1::2]):
        yield "an area that is not its mask's"


def decode_runs(counts: Any) -> list[int] | None:
    """COCO's run lengths, plain or packed: five bits a character from `0` on, then the difference to two runs before.

    Returns:
        Lengths of nothing and something in turn; None where they cannot be read.
    """
    if isinstance(counts, list):
        return counts if all(type(run) is int for run in counts) else None
    if isinstance(counts, bytes):
        counts = counts.decode("latin-1")
    if not isinstance(counts, str) or len(counts) > _MOST_CODE:
        return None
    runs: list[int] = []
    at = 0
    while at < len(counts):
        value, shift, more = 0, 0, True
        while more:
            if at >= len(counts) or shift > 60:
                return None
            bits = ord(counts[at]) - 48
            if not 0 <= bits < 64:
                return None
            value |= (bits & 0x1F) << shift
            more = bool(bits & 0x20)
            at, shift = at + 1, shift + 5
            if not more and bits & 0x10:
                value |= -1 << shift
        runs.append(value + runs[-2] if len(runs) > 2 else value)
    return runs
