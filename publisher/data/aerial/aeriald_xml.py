"""AerialD's annotations: one XML file an image, with boxes, masks, groups and what is said of them.

Masks are written as a Python mapping in text. They are read as a literal: whatever else stands there is refused, never
run.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from xml.etree import ElementTree as ET

from publisher.data.aerial.faults import malformed
from publisher.data.aerial.loaded import LoadedScene, Said, opened
from publisher.data.aerial.relations import around
from publisher.data.aerial.rle import checked, mask_of
from publisher.data.aerial.scene import Box, Group, Scene, SceneObject
from publisher.data.sample import Origin, Picture
from publisher.manifest.dataset import ExpressionType
from publisher.records.facts import Json

_LONGEST = 2**31  # pixels, square pixels, ids: no image has more
_LARGEST = 50_000_000  # bytes of one annotation; AerialD's have less than one million
# Neighbouring patches of one photo overlap: those of one photo are kept together.
_PATCH = re.compile(r"_patch_?\d.*$", re.IGNORECASE)


def photo_of(scene_id: str) -> str:
    """The photo that a patch was cut from: `P0003` of `P0003_patch_000012`."""
    return _PATCH.sub("", scene_id)


def load_xml(
    path: Path, root: Path, images: Mapping[str, list[Path]], *, model: str | None, split: str | None
) -> LoadedScene:
    """Read one annotation.

    Args:
        path: the file.
        root: the dataset's folder: what errors name is relative to it.
        images: where images lie, by their name.
        model: who wrote the enhanced and unique expressions.
        split: the side that the file's place tells.

    Raises:
        HubpubError: HP-D03, it cannot be read as a scene; every fault is named.
    """
    where = path.relative_to(root).as_posix()
    tree = _parsed(path, where)
    filename = Path((tree.findtext("filename") or f"{path.stem}.png").strip()).name
    picture = _picture(path, filename, images, where)
    width, height = opened(picture, where).size
    faults: list[str] = []
    told = tuple(
        _number(tree, f"size/{side}", faults, otherwise=size)
        for side, size in (("width", width), ("height", height))
    )
    if told != (width, height):
        faults.append(f"its size is {told[0]}x{told[1]}, that of the image {width}x{height}")
    objects = tuple(_object(one, width, height, faults) for one in tree.findall("object"))
    told_groups = (*tree.findall("groups/group"), *tree.findall("group"))
    groups = tuple(
        group for one in told_groups if (group := _group(one, objects, width, height, faults)) is not None
    )
    if faults:
        raise malformed(where, *faults)
    scene = Scene(filename, width, height, objects, groups)
    elements = [*tree.findall("object"), *told_groups]
    numbers = (*(thing.id for thing in objects), *(group.id for group in groups))
    said = tuple(
        one
        for element, number in zip(elements, numbers, strict=True)
        for one in _said(element, number, model)
    )
    return LoadedScene(scene, where, picture, said, split=split, photo=photo_of(scene.id))


def _parsed(path: Path, where: str) -> ET.Element:
    data = path.read_bytes()
    if len(data) > _LARGEST:
        raise malformed(where, f"it has {len(data):,} bytes")
    try:
        return ET.fromstring(data, ET.XMLParser(target=_NoDocumentType()))  # noqa: S314 — entities are refused
    except (ET.ParseError, LookupError, ValueError) as fault:  # the last two: encodings that are not known
        raise malformed(where, f"it is no XML that can be read: {fault}") from fault


class _NoDocumentType(ET.TreeBuilder):
    """Builds trees of files without entities: these need a document type, whatever the file's encoding."""

    def doctype(self, *_: object) -> None:
        """Called before anything of the document type is read."""
        raise ValueError("it declares a document type, which no annotation needs")


def _picture(path: Path, filename: str, images: Mapping[str, list[Path]], where: str) -> Picture:
    found = images.get(filename, [])
    # Of two images of one name, that which lies with the annotation's own split.
    near = [image for image in found if path.parent.parent in image.parents or path.parent in image.parents]
    chosen = found if len(found) == 1 else near
    if len(chosen) != 1:
        what = (
            f"there are {len(found)} images {filename}" if found else f"the image {filename} does not exist"
        )
        raise malformed(where, what)
    return Picture(filename, chosen[0].read_bytes)


def _object(element: ET.Element, width: int, height: int, faults: list[str]) -> SceneObject:
    number = _number(element, "id", faults)
    name = (element.findtext("name") or "").strip().replace("_", " ").lower()
    named = f"{name or 'object'} {number}"
    edges = [
        _number(element, f"bndbox/{edge}", faults, of=named) for edge in ("xmin", "ymin", "xmax", "ymax")
    ]
    box = Box(*edges)
    counts = _mask(element, width, height, named, faults)
    possible = _words(element.findtext("possible_colors"))
    color = (element.findtext("color") or "").strip() or (possible[0] if len(possible) == 1 else None)
    ambiguous = _true(element.findtext("is_ambiguous"))
    return SceneObject(
        id=number,
        name=name,
        bndbox=box,
        area=_number(
            element, "area", faults, of=named, otherwise=(box.xmax - box.xmin) * (box.ymax - box.ymin)
        ),
        color=None if ambiguous else color,
        possible_colors=tuple(sorted({*possible, *([color] if color else [])})),
        is_cutoff=_true(element.findtext("is_cutoff")),
        segmentation=counts,
    )


def _group(
    element: ET.Element, objects: tuple[SceneObject, ...], width: int, height: int, faults: list[str]
) -> Group | None:
    number = _number(element, "id", faults)
    category = (element.findtext("category") or "").strip().replace("_", " ").lower()
    named = f"group {number}"
    size = _number(element, "size", faults, of=named, otherwise=0)
    counts = _mask(element, width, height, named, faults)
    everyone = tuple(thing for thing in objects if thing.name == category)
    area = mask_of(counts, width, height).getbbox() if counts is not None else None
    inside = [thing for thing in everyone if area is not None and _is_inside(thing.bndbox.center, area)]
    members = tuple(thing.id for thing in inside) if len(inside) == size else ()
    if area is not None:
        box = Box(*area)
    elif everyone and len(everyone) == size:
        box = around([thing.bndbox for thing in everyone])
    else:
        faults.append(f"{named} has no mask, and its {size} members cannot be told")
        return None
    return Group(
        id=number,
        category=category,
        member_ids=members,
        bndbox=box,
        centroid=box.center,
        is_cluster=True,
        is_distinct=True,
        is_class=len(everyone) == size,
        told_size=size,
        segmentation=counts,
    )


def _is_inside(point: tuple[float, float], edges: tuple[int, int, int, int]) -> bool:
    return edges[0] <= point[0] <= edges[2] and edges[1] <= point[1] <= edges[3]


def _mask(element: ET.Element, width: int, height: int, named: str, faults: list[str]) -> str | None:
    """The mask's packed code, made sure of by unpacking it; None where there is none."""
    text = (element.findtext("segmentation") or "").strip()
    if not text:
        return None
    try:
        told = ast.literal_eval(text)
    except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
        faults.append(f"the mask of {named} is no mapping")
        return None
    try:
        return checked(told, width, height)
    except ValueError as fault:
        faults.append(f"the mask of {named} {fault}")
        return None


def _said(element: ET.Element, number: int, model: str | None) -> Iterator[Said]:
    for one in element.findall("expressions/expression"):
        text = (one.text or "").strip()
        kinds: dict[str, ExpressionType] = {"enhanced": "enhanced", "unique": "unique"}
        kind = kinds.get(one.get("type", ""), "original")
        if text:
            yield Said(number, text, Origin(kind, model=None if kind == "original" else model))


def _number(
    element: ET.Element, path: str, faults: list[str], *, of: str = "", otherwise: int | None = None
) -> int:
    text = (element.findtext(path) or "").strip()
    if not text and otherwise is not None:
        return otherwise
    try:
        number = round(float(text))
    except (ValueError, OverflowError):
        number = None
    if number is None or abs(number) >= _LONGEST:
        what = f"is {text!r}, not a number of that kind" if text else "is missing"
        faults.append(f"{path} {f'of {of} ' if of else ''}{what}")
        return 0
    return number


def _words(text: str | None) -> tuple[str, ...]:
    """Names in a list: `red,dark`, or as Python writes it."""
    return tuple(re.findall(r"[a-z]+(?: [a-z]+)*", (text or "").lower()))


def _true(text: Json) -> bool:
    return str(text or "").strip().lower() in ("1", "true", "yes")
