"""COCO's annotations: one JSON file for all images; masks are polygons or run-length codes."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from publisher.data.aerial.faults import is_length, malformed
from publisher.data.aerial.loaded import Load, LoadedScene, opened
from publisher.data.aerial.rle import checked, counts_of, mask_of
from publisher.data.aerial.scene import Box, Scene, SceneObject
from publisher.data.installed import installed
from publisher.data.pictures import picture_in
from publisher.data.sample import Picture
from publisher.data.sources.files import split_told
from publisher.errors import HubpubError
from publisher.manifest.dataset import CocoSettings
from publisher.records.facts import Json

_OVERSHOOT = 1  # pixels that a box may lie outside by rounding; it is cut to the image then


def coco_scenes(settings: CocoSettings, folder: Path) -> Sequence[Load]:
    """Every image that has annotations.

    Raises:
        HubpubError: HP-D01, there are none; HP-D03, the file is no such JSON, or two images have one id.
    """
    file = folder / settings.file
    told = _json(file)
    images, annotations, categories = (
        _listed(told, name, key, file.name)
        for name, key in (("images", "id"), ("annotations", "image_id"), ("categories", "id"))
    )
    names = {one["id"]: str(one.get("name", "")).replace("_", " ").lower() for one in categories}
    by_image: dict[Json, list[Mapping[str, Json]]] = {}
    for one in annotations:
        by_image.setdefault(one["image_id"], []).append(one)
    known = Counter(one["id"] for one in images)
    if twice := sorted(str(number) for number, times in known.items() if times > 1):
        raise malformed(file.name, f"more than one image has the id {', '.join(twice)}")
    if strangers := sorted(str(number) for number in set(by_image) - set(known)):
        raise malformed(file.name, f"annotations of images that it does not list: {', '.join(strangers[:5])}")
    loads = [
        partial(_load, one, by_image[one["id"]], names, folder, file.name)
        for one in images
        if one["id"] in by_image
    ]
    if not loads:
        raise HubpubError("HP-D01", "no image has an annotation", hint="name another file", where=str(file))
    return loads


def _listed(told: Mapping[str, Json], name: str, key: str, file: str) -> list[Mapping[str, Json]]:
    """One of the file's lists, each of its mappings with something under `key` that can be looked up by."""
    listed = told.get(name)
    if not isinstance(listed, list):
        raise malformed(file, f"it has no list {name}")
    for number, one in enumerate(listed):
        if not isinstance(one, dict) or not _is_id(one.get(key)):
            raise malformed(file, f"{name}[{number}] is no mapping with a number or text under {key}")
    return listed


def _is_id(value: Json) -> bool:
    return isinstance(value, int | float | str)


def _load(
    image: Mapping[str, Json],
    annotations: Sequence[Mapping[str, Json]],
    names: Mapping[Json, str],
    folder: Path,
    file: str,
) -> LoadedScene:
    name = str(image.get("file_name", ""))
    where = f"{file}, image {image['id']} ({name})"
    try:
        path = picture_in(folder, name)
    except ValueError as fault:
        raise malformed(where, f"its picture {fault}") from fault
    # Parts of a path belong to a name: two folders may each have their 0001.png.
    picture = Picture(name.replace("/", "_"), path.read_bytes)
    width, height = opened(picture, where).size
    faults: list[str] = []
    told = image.get("width", width), image.get("height", height)
    if told != (width, height):
        faults.append(f"its size is {told[0]}x{told[1]}, that of the picture {width}x{height}")
    ids = Counter(str(one.get("id")) for one in annotations)
    if twice := sorted(number for number, times in ids.items() if times > 1):
        faults.append(f"more than one annotation has the id {', '.join(twice)}")
    objects = [
        _object(number, one, names, width, height, faults) for number, one in enumerate(annotations, start=1)
    ]
    if faults:
        raise malformed(where, *faults)
    scene = Scene(picture.name, width, height, tuple(one for one in objects if one is not None))
    return LoadedScene(scene, where, picture, split=split_told(Path(name).parent), photo=scene.id)


def _object(
    number: int,
    told: Mapping[str, Json],
    names: Mapping[Json, str],
    width: int,
    height: int,
    faults: list[str],
) -> SceneObject | None:
    named = f"annotation {told.get('id')}"
    kind = told.get("category_id")
    category = names.get(kind) if _is_id(kind) else None
    box = _box(told.get("bbox"), width, height)
    if not category:
        faults.append(f"{named} has a category that is not listed: {kind}")
    if box is None:
        faults.append(f"the box of {named} is no [x, y, width, height] inside the image of {width}x{height}")
    try:
        counts = _mask(told.get("segmentation"), width, height)
    except ValueError as fault:
        faults.append(f"the mask of {named} {fault}")
        return None
    if not category or box is None:
        return None
    # COCO does not say what an edge cuts off, and a crowd is no object: both can be meant, nothing is said of them.
    at_edge = box.xmin == 0 or box.ymin == 0 or box.xmax == width or box.ymax == height
    area = mask_of(counts, width, height).histogram()[255] if counts else 0
    return SceneObject(
        id=number,
        name=category,
        bndbox=box,
        area=area or (box.xmax - box.xmin) * (box.ymax - box.ymin),
        is_cutoff=at_edge or bool(told.get("iscrowd")),
        segmentation=counts,
    )


def _box(told: Json, width: int, height: int) -> Box | None:
    if not isinstance(told, list) or len(told) != 4 or any(not is_length(edge) for edge in told):
        return None
    x, y, wide, high = told
    if not (is_length(x + wide) and is_length(y + high)):
        return None
    box = Box(math.floor(x), math.floor(y), math.ceil(x + wide), math.ceil(y + high))
    cut = Box(max(box.xmin, 0), max(box.ymin, 0), min(box.xmax, width), min(box.ymax, height))
    moved = max(
        abs(a - b)
        for a, b in zip(
            (box.xmin, box.ymin, box.xmax, box.ymax), (cut.xmin, cut.ymin, cut.xmax, cut.ymax), strict=True
        )
    )
    return cut if moved <= _OVERSHOOT and cut.xmin < cut.xmax and cut.ymin < cut.ymax else None


def _mask(told: Json, width: int, height: int) -> str | None:
    """The mask's packed code, made sure of by unpacking or drawing it; None where there is none."""
    if not told:
        return None
    if isinstance(told, dict):
        return checked(told, width, height)
    mask = installed("PIL.Image").new("L", (width, height), 0)
    pen = installed("PIL.ImageDraw").Draw(mask)
    for polygon in told if isinstance(told, list) else [None]:
        if (
            not isinstance(polygon, list)
            or len(polygon) < 6
            or len(polygon) % 2
            or not all(map(is_length, polygon))
        ):
            raise ValueError("is neither run-length code nor polygons of three points and more")
        pen.polygon(list(zip(polygon[::2], polygon[1::2], strict=True)), fill=255)
    return counts_of(mask)


def _json(file: Path) -> Mapping[str, Json]:
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
    except OSError as fault:
        raise HubpubError(
            "HP-D01", f"{file.name} cannot be read", hint="check dataset.build.file", where=str(file)
        ) from fault
    except (ValueError, RecursionError) as fault:
        raise malformed(file.name, f"it is no JSON: {fault}") from fault
    if not isinstance(told, dict):
        raise malformed(file.name, "it is no JSON object")
    return told
