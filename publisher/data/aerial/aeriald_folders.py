"""AerialD's enhanced expressions: one folder an item, with JSON and the two pictures that a model was shown.

`{PATCH}_obj_{ID}/` has `…_bbox.png` and `…_focused.png`, `{PATCH}_group_{ID}/` has `…_mask.png` and `…_clean.png`, and
both have `enhanced_expressions.json`. An item that could not be enhanced has an error in place of its expressions.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from publisher.data.aerial.aeriald_xml import photo_of
from publisher.data.aerial.faults import is_length, malformed
from publisher.data.aerial.loaded import LoadedScene, Said, opened
from publisher.data.aerial.relations import around
from publisher.data.aerial.scene import FIRST_GROUP_ID, Box, Group, Scene, SceneObject
from publisher.data.filter import is_error
from publisher.data.sample import Origin, Picture
from publisher.manifest.dataset import ExpressionType
from publisher.records.facts import Json

FILE = "enhanced_expressions.json"
_NAMED = re.compile(r"(?P<patch>.+)_(?P<type>obj|group)_(?P<id>\d+)")
_VIEWS = {"obj": ("bbox", "focused"), "group": ("mask", "clean")}


def by_patch(folders: Sequence[Path]) -> dict[str, list[Path]]:
    """The items' folders by the patch that they show.

    Raises:
        HubpubError: HP-D03, a folder is not called after a patch and an item.
    """
    found: dict[str, list[Path]] = {}
    for folder in folders:
        named = _NAMED.fullmatch(folder.name)
        if named is None:
            raise malformed(folder.name, "it is not called PATCH_obj_ID or PATCH_group_ID")
        found.setdefault(named["patch"], []).append(folder)
    return found


def load_items(patch: str, folders: Sequence[Path], *, model: str | None, split: str | None) -> LoadedScene:
    """Read all items of one patch.

    Raises:
        HubpubError: HP-D03, a file or picture is missing, a box is outside, or the JSON has another form.
    """
    items = [_Item(folder) for folder in folders]
    sizes = {item.size for item in items}
    if len(sizes) > 1:
        raise malformed(
            patch, "its pictures have different sizes: " + ", ".join(f"{w}x{h}" for w, h in sorted(sizes))
        )
    width, height = sizes.pop()
    scene = Scene(
        f"{patch}.png",
        width,
        height,
        tuple(item.object() for item in items if not item.is_group),
        tuple(item.group() for item in items if item.is_group),
    )
    return LoadedScene(
        scene,
        where=patch,
        picture=None,
        said=tuple(one for item in items for one in item.said(model)),
        views={item.id: item.views for item in items},
        split=split,
        photo=photo_of(patch),
        failed=sum(item.failed for item in items),
    )


class _Item:
    """One folder: its JSON, looked at part by part."""

    def __init__(self, folder: Path) -> None:
        named = _NAMED.fullmatch(folder.name)
        assert named is not None
        self._where = f"{folder.name}/{FILE}"
        self._told = _json(folder / FILE, self._where)
        self.is_group = named["type"] == "group"
        number = int(named["id"])
        # Groups count from a million; some folders have a group's number within its patch.
        self.id = number + FIRST_GROUP_ID if self.is_group and number < FIRST_GROUP_ID else number
        first, second = (self._view(folder, part) for part in _VIEWS[named["type"]])
        self.views = (first, second)
        self.size: tuple[int, int] = opened(first, self._where).size
        opened(second, self._where)

    @property
    def failed(self) -> bool:
        """Whether an error stands where the enhanced expressions should."""
        enhanced = self._told.get("enhanced_data")
        return not isinstance(enhanced, dict) or is_error(str(enhanced.get("unique_description", "")))

    def object(self) -> SceneObject:
        """The object; the place it was drawn at, and nothing of its colour or mask."""
        box = self._box(self._told.get("bbox"))
        area = (box.xmax - box.xmin) * (box.ymax - box.ymin)
        return SceneObject(id=self.id, name=self._category, bndbox=box, area=area)

    def group(self) -> Group:
        """The group; which objects are in it is not told."""
        told, size = self._told.get("bboxes") or [], self._told.get("group_size") or 0
        if not isinstance(told, list) or not is_length(size):
            raise malformed(self._where, "bboxes is no list, or group_size no number")
        boxes = [self._box(one) for one in told]
        width, height = self.size
        box = around(boxes) if boxes else Box(0, 0, width, height)
        return Group(
            id=self.id,
            category=self._category,
            member_ids=(),
            bndbox=box,
            centroid=box.center,
            is_cluster=True,
            is_distinct=True,
            is_class=False,
            told_size=round(size) or len(boxes),
        )

    def said(self, model: str | None) -> Iterator[Said]:
        """The rules' expressions, and those that a model made of them."""
        for text in self._texts(self._told.get("original_expressions", []), "original_expressions"):
            yield Said(self.id, text, Origin("original"))
        if self.failed:
            return
        enhanced: Mapping[str, Json] = self._told["enhanced_data"]
        rows = enhanced.get("enhanced_expressions", [])
        if not isinstance(rows, list) or any(not isinstance(row, dict) for row in rows):
            raise malformed(self._where, "enhanced_expressions is no list of mappings")
        variations = [row.get("variation") for row in rows]
        told: tuple[tuple[ExpressionType, Json, str], ...] = (
            ("enhanced", variations, "variation"),
            ("unique", enhanced.get("unique_expressions", []), "unique_expressions"),
        )
        for kind, texts, name in told:
            for text in self._texts(texts, name):
                yield Said(self.id, text, Origin(kind, model=model))

    @property
    def _category(self) -> str:
        category = self._told.get("category")
        if not isinstance(category, str) or not category.strip():
            raise malformed(self._where, "it has no category")
        return category.strip().replace("_", " ").lower()

    def _texts(self, values: Json, name: str) -> Iterator[str]:
        if not isinstance(values, list) or any(not isinstance(value, str) for value in values):
            raise malformed(self._where, f"{name} is no list of texts")
        return (value.strip() for value in values if value.strip())

    def _box(self, told: Json) -> Box:
        edges: list[Json] = (
            [told.get(edge) for edge in ("xmin", "ymin", "xmax", "ymax")]
            if isinstance(told, dict)
            else [None]
        )
        if not all(is_length(edge) for edge in edges):
            raise malformed(self._where, "a box is no mapping of xmin, ymin, xmax and ymax")
        box = Box(*(round(edge) for edge in edges))
        width, height = self.size
        if not (0 <= box.xmin < box.xmax <= width and 0 <= box.ymin < box.ymax <= height):
            raise malformed(self._where, f"a box reaches outside the image of {width}x{height}, or is empty")
        return box

    def _view(self, folder: Path, part: str) -> Picture:
        found = sorted(folder.glob(f"*_{part}.png"))
        if len(found) != 1:
            raise malformed(
                self._where,
                f"there are {len(found)} pictures *_{part}.png"
                if found
                else f"its picture *_{part}.png is missing",
            )
        return Picture(f"{folder.name}_{part}.png", found[0].read_bytes)


def _json(file: Path, where: str) -> Mapping[str, Json]:
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as fault:
        raise malformed(where, f"it cannot be read: {fault}") from fault
    if not isinstance(told, dict):
        raise malformed(where, "it is no JSON object")
    return told
