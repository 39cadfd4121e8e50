"""AerialD's two layouts and COCO's, written from drawn scenes: small, and no picture of anybody's."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any
from xml.etree import ElementTree as ET

from publisher.data.aerial.relations import describe
from publisher.data.aerial.scene import Scene
from publisher.data.aerial.scenes import DrawnScene, draw_scene
from publisher.data.aerial.views import object_views

Said = Mapping[int, Sequence[tuple[str, str]]]  # object → (type, text)


def drawn(index: int, *, objects: int = 5) -> DrawnScene:
    """A described scene."""
    one = draw_scene(3, index, min_objects=objects, max_objects=objects)
    return DrawnScene(describe(one.scene), one.png)


def write_xml(
    folder: Path, name: str, one: DrawnScene, said: Said = MappingProxyType({}), /, **changes: Any
) -> Path:
    """`annotations/<name>.xml` and `images/<name>.png`; `changes`: object's tag → text, for the first object."""
    (folder / "annotations").mkdir(parents=True, exist_ok=True)
    (folder / "images").mkdir(exist_ok=True)
    (folder / "images" / f"{name}.png").write_bytes(one.png)
    root = ET.Element("annotation")
    ET.SubElement(root, "filename").text = f"{name}.png"
    size = ET.SubElement(root, "size")
    for side in ("width", "height"):
        ET.SubElement(size, side).text = str(getattr(one.scene, side))
    for thing in one.scene.objects:
        element = _tagged(root, "object", name=thing.name.replace(" ", "_"), id=thing.id, area=thing.area)
        box = ET.SubElement(element, "bndbox")
        for edge in ("xmin", "ymin", "xmax", "ymax"):
            ET.SubElement(box, edge).text = str(getattr(thing.bndbox, edge))
        mask = {"size": [one.scene.height, one.scene.width], "counts": thing.segmentation}
        ET.SubElement(element, "segmentation").text = repr(mask)
        ET.SubElement(element, "possible_colors").text = ",".join(thing.possible_colors)
        ET.SubElement(element, "is_cutoff").text = str(thing.is_cutoff)
        _say(element, said.get(thing.id, ()))
    groups = ET.SubElement(root, "groups")
    for group in one.scene.groups:
        element = _tagged(groups, "group", id=group.id, size=group.size, category=group.category)
        mask = {"size": [one.scene.height, one.scene.width], "counts": _union(one.scene, group.member_ids)}
        ET.SubElement(element, "segmentation").text = repr(mask)
        _say(element, said.get(group.id, ()))
    first = root.find("object")
    assert first is not None
    for tag, text in changes.items():
        found = first.find(tag.replace("__", "/"))
        assert found is not None, tag
        found.text = text
    path = folder / "annotations" / f"{name}.xml"
    ET.ElementTree(root).write(path, encoding="utf-8")
    return path


def write_item(folder: Path, patch: str, one: DrawnScene, number: int, /, **changes: Any) -> Path:
    """`<patch>_obj_<number>/` with its two pictures and JSON; `changes` take the place of JSON's parts."""
    thing = one.scene.item(number)
    place = folder / f"{patch}_obj_{number}"
    place.mkdir(parents=True)
    for part, png in zip(("bbox", "focused"), object_views(one.png, thing.bndbox), strict=True):
        (place / f"{place.name}_{part}.png").write_bytes(png)
    box = {edge: getattr(thing.bndbox, edge) for edge in ("xmin", "ymin", "xmax", "ymax")}
    told = {
        "image": f"{patch}.png",
        "item_id": str(number),
        "item_type": "object",
        "category": thing.name,
        "original_expressions": [f"the {thing.name} number {number}"],
        "enhanced_data": {
            "enhanced_expressions": [
                {
                    "original_expression": f"the {thing.name} number {number}",
                    "variation": f"{thing.name} {number} over here",
                }
            ],
            "unique_description": "it stands alone",
            "unique_expressions": [
                f"the lonely {thing.name} {number}",
                f"a {thing.name} {number} with shade",
            ],
        },
        "processing_mode": "bbox_dual",
        "object_id": str(number),
        "bbox": box,
    } | changes
    (place / "enhanced_expressions.json").write_text(json.dumps(told), encoding="utf-8")
    return place


def coco_of(scenes: Sequence[tuple[str, DrawnScene]]) -> dict[str, Any]:
    """Annotations of scenes whose pictures have these names: masks as run-length codes, boxes as COCO has them."""
    names = sorted({thing.name for _, one in scenes for thing in one.scene.objects})
    annotations = [
        {
            "id": 10 * image + thing.id + 2_000_000,
            "image_id": image,
            "category_id": names.index(thing.name),
            "bbox": [
                thing.bndbox.xmin,
                thing.bndbox.ymin,
                thing.bndbox.xmax - thing.bndbox.xmin,
                thing.bndbox.ymax - thing.bndbox.ymin,
            ],
            "segmentation": {"size": [one.scene.height, one.scene.width], "counts": thing.segmentation},
            "area": thing.area,
            "iscrowd": 0,
        }
        for image, (_, one) in enumerate(scenes)
        for thing in one.scene.objects
    ]
    return {
        "images": [
            {"id": image, "file_name": name, "width": one.scene.width, "height": one.scene.height}
            for image, (name, one) in enumerate(scenes)
        ],
        "annotations": annotations,
        "categories": [{"id": number, "name": name} for number, name in enumerate(names)],
    }


def write_coco(
    folder: Path, scenes: Sequence[tuple[str, DrawnScene]], told: Mapping[str, Any] | None = None
) -> None:
    """The pictures and `annotations.json`."""
    for name, one in scenes:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(one.png)
    (folder / "annotations.json").write_text(json.dumps(told or coco_of(scenes)), encoding="utf-8")


def _tagged(parent: ET.Element, tag: str, **parts: object) -> ET.Element:
    element = ET.SubElement(parent, tag)
    for name, value in parts.items():
        ET.SubElement(element, name).text = str(value)
    return element


def _say(element: ET.Element, said: Sequence[tuple[str, str]]) -> None:
    expressions = ET.SubElement(element, "expressions")
    for number, (kind, text) in enumerate(said):
        attributes = {"id": str(number)} if kind == "original" else {"type": kind}
        ET.SubElement(expressions, "expression", attributes).text = text


def _union(scene: Scene, members: Sequence[int]) -> str:
    from publisher.data.aerial.rle import counts_of, mask_of, union

    codes = [thing.segmentation for thing in scene.objects if thing.id in members]
    return counts_of(union(mask_of(code, scene.width, scene.height) for code in codes))
