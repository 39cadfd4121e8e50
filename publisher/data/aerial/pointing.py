"""Whether an answer points at the item that was meant: read back by the grammar, held against what stands in the scene."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from publisher.data.aerial.columns import scene_of
from publisher.data.aerial.resolver import parse
from publisher.data.aerial.scene import Box, Scene
from publisher.data.aerial.unique import fitting

# The columns that tell what stands in a row's scene and which item of it is meant.
COLUMNS = ("scene_id", "width", "height", "objects", "object_id", "bbox")


@dataclass(frozen=True)
class Pointing:
    """What one answer does.

    Attributes:
        readable: it is of the grammar, and names categories of the scene alone.
        unique: it fits exactly one item, whichever.
        exact: that one is the item that was meant.
    """

    readable: bool
    unique: bool
    exact: bool


@dataclass(frozen=True)
class Target:
    """A described scene and the id of the item in it that is meant."""

    scene: Scene
    item_id: int


def target_of(row: Mapping[str, Any]) -> Target | None:
    """What a row with `COLUMNS` is about; None where its item cannot be found among what stands in the scene.

    That is so of groups that a source knows and our rules do not: they are not told apart by members there.
    """
    scene = scene_of(row)
    boxes = {one.id: one.bndbox for one in scene.objects} | {one.id: one.bndbox for one in scene.groups}
    known = boxes.get(row["object_id"]) == Box(**row["bbox"])
    return Target(scene, row["object_id"]) if known else None


def point(target: Target, answer: str) -> Pointing:
    """Read an answer as a stranger would, every doubt counted in; case and a full stop at the end are no fault."""
    words = parse(answer, {thing.name for thing in target.scene.objects})
    if words is None:
        return Pointing(readable=False, unique=False, exact=False)
    meant = fitting(target.scene, words)
    return Pointing(readable=True, unique=len(meant) == 1, exact=meant == {target.item_id})
