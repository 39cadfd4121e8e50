"""The columns of a row about one item of a scene, and the way back; see `contents` for those about the scene."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from publisher.data.aerial import contents
from publisher.data.aerial.relations import describe
from publisher.data.aerial.rle import counts_of, mask_of, union
from publisher.data.aerial.scene import Box, Group, Scene, SceneObject
from publisher.data.package import image, integer, list_of, text
from publisher.data.sample import Row
from publisher.records.facts import Json

_ITEM: dict[str, Json] = {
    "scene_id": text(),
    "object_id": integer(),
    "item_type": text(),
    "category": text(),
    "bbox": {side: integer() for side in contents.SIDES},
    "mask": {"size": list_of(integer()), "counts": text()},
}
_WORDS: dict[str, Json] = {
    "expression": text(),
    "expression_type": text(),
    "expressions_features": list_of(text()),
    "provenance": {"rule": text(), "model": text(), "prompt_version": text()},
    "prompt": text(),
    "completion": text(),
}


def features(*, with_scene: bool, with_views: bool) -> dict[str, Json]:
    """The columns in order.

    Args:
        with_scene: `image`, the scene as it is, and everything that stands in it.
        with_views: `images`, the two pictures that a model sees.
    """
    return {
        **({"image": image()} if with_scene else {}),
        **({"images": list_of(image())} if with_views else {}),
        **_ITEM,
        **(contents.FEATURES if with_scene else {}),
        **_WORDS,
    }


def item_columns(scene: Scene, item: SceneObject | Group) -> Row:
    """What a row tells of its item, the words and pictures left aside."""
    box = item.bndbox
    return {
        "scene_id": scene.id,
        "object_id": item.id,
        "item_type": "group" if isinstance(item, Group) else "object",
        "category": item.category if isinstance(item, Group) else item.name,
        "bbox": {side: getattr(box, side) for side in contents.SIDES},
        "mask": _mask(scene, item),
    }


def scene_of(row: Mapping[str, Json]) -> Scene:
    """The described scene that a row with `objects` is about, its groups found by rule: masks are left out."""
    things = tuple(
        SceneObject(
            id=one["id"],
            name=one["category"],
            bndbox=Box(**one["bbox"]),
            area=one["area"],
            color=one["color"],
            possible_colors=tuple(one["possible_colors"]),
            is_cutoff=one["is_cutoff"],
        )
        for one in row["objects"]
    )
    return describe(Scene(f"{row['scene_id']}.png", row["width"], row["height"], things))


def _mask(scene: Scene, item: SceneObject | Group) -> Row | None:
    counts = mask_counts(scene, item)
    return None if counts is None else {"size": [scene.height, scene.width], "counts": counts}


def mask_counts(scene: Scene, item: SceneObject | Group) -> str | None:
    """An item's mask as packed run-length code; of a group the masks of its members together. None: not known."""
    if item.segmentation is not None or not isinstance(item, Group):
        return item.segmentation
    codes: Sequence[str | None] = [thing.segmentation for thing in scene.members(item)]
    if not codes or None in codes:
        return None
    return counts_of(union([mask_of(code, scene.width, scene.height) for code in codes]))
