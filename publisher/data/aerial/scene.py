"""A scene in AerialD's terms: what stands where in one image, and what may be said about it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import PurePath

from publisher.errors import HubpubError

FIRST_GROUP_ID = 1_000_000  # AerialD: ids from here on name groups, below it single objects
# Groups of two categories, one object of each: AerialD has this one.
PAIRS = {"vehicle pair": ("large vehicle", "small vehicle")}


@dataclass(frozen=True)
class Box:
    """A rectangle in pixels, y downwards; `xmax` and `ymax` are the first column and row outside."""

    xmin: int
    ymin: int
    xmax: int
    ymax: int

    @property
    def center(self) -> tuple[float, float]:
        """The middle (x, y)."""
        return ((self.xmin + self.xmax) / 2, (self.ymin + self.ymax) / 2)

    def overlaps(self, other: Box, *, margin: int = 0) -> bool:
        """Whether the two come closer than `margin` pixels."""
        return (
            self.xmin - margin < other.xmax
            and other.xmin - margin < self.xmax
            and self.ymin - margin < other.ymax
            and other.ymin - margin < self.ymax
        )


@dataclass(frozen=True)
class Relationship:
    """Where an object lies as seen from another one: `direction` is a phrase like `to the top left of`."""

    target_id: int
    target_category: str
    direction: str
    distance: float  # pixels between the middles
    is_borderline: bool  # the neighbouring direction could be said as well


@dataclass(frozen=True)
class SceneObject:
    """One object. The fields after `segmentation` start empty and are filled by `relations.describe`."""

    id: int
    name: str  # category
    bndbox: Box  # of the visible part
    area: int  # visible pixels
    color: str | None = None  # None: no single colour can be named
    possible_colors: tuple[str, ...] = ()  # what a viewer might call it, `color` included
    is_cutoff: bool = False  # reaches over the image's edge
    segmentation: str | None = (
        None  # the mask as packed run-length code of the scene's size, where there is one
    )
    grid_position: str = ""  # like `in the top left`
    extreme_positions: tuple[str, ...] = ()  # like `topmost`: among its category, without doubt
    size_attribute: str | None = None  # like `larger`: among its category, without doubt
    relationships: tuple[Relationship, ...] = ()  # nearest first

    @property
    def is_ambiguous(self) -> bool:
        """Whether its colour cannot be named without doubt."""
        return self.color is None


@dataclass(frozen=True)
class Group:
    """Several objects of one category that are spoken of together."""

    id: int
    category: str  # of its members, or the name of one of `PAIRS`
    member_ids: tuple[int, ...]  # empty where the source tells their number only
    bndbox: Box
    centroid: tuple[float, float]
    is_cluster: bool  # they stand together
    is_distinct: bool  # and no viewer would sort the category into other clusters
    is_class: bool  # they are all of their category in the image
    told_size: int = 0  # how many objects, where the source does not tell which
    segmentation: str | None = None  # as an object's; None: that of its members together

    @property
    def size(self) -> int:
        """How many objects."""
        return len(self.member_ids) or self.told_size


@dataclass(frozen=True)
class Scene:
    """One image and everything in it."""

    filename: str
    width: int
    height: int
    objects: tuple[SceneObject, ...]
    groups: tuple[Group, ...] = ()

    @property
    def id(self) -> str:
        """The file's name without its ending."""
        return PurePath(self.filename).stem

    def of_category(self, name: str) -> tuple[SceneObject, ...]:
        """The objects of one category."""
        return tuple(thing for thing in self.objects if thing.name == name)

    def item(self, number: int) -> SceneObject | Group:
        """The object or group of an id."""
        things = {thing.id: thing for thing in self.objects}
        return things.get(number) or next(group for group in self.groups if group.id == number)

    def members(self, group: Group) -> tuple[SceneObject, ...]:
        """The objects of a group; none where the source does not tell them."""
        return tuple(thing for thing in self.objects if thing.id in group.member_ids)


def validate_scene(scene: Scene, where: str = "") -> None:
    """Refuse a scene that cannot be true; every fault is named at once.

    Args:
        scene: described or not.
        where: the file that tells it, where that is not the image.

    Raises:
        HubpubError: HP-D03; `data["faults"]` lists them.
    """
    faults = [] if scene.objects or scene.groups else ["there is nothing in it"]
    ids = Counter([thing.id for thing in scene.objects] + [group.id for group in scene.groups])
    faults += [f"id {number} is used {times} times" for number, times in ids.items() if times > 1]
    for thing in scene.objects:
        box = thing.bndbox
        named = f"{thing.name or 'object'} {thing.id}"
        if not thing.name:
            faults.append(f"{named} has no category")
        if not 0 <= thing.id < FIRST_GROUP_ID:
            faults.append(f"{named} has an id that is kept for groups")
        if box.xmin >= box.xmax or box.ymin >= box.ymax:
            faults.append(f"the box of {named} is empty")
        if box.xmin < 0 or box.ymin < 0 or box.xmax > scene.width or box.ymax > scene.height:
            faults.append(f"the box of {named} reaches outside the image of {scene.width}x{scene.height}")
    known = {thing.id: thing.name for thing in scene.objects}
    for group in scene.groups:
        if group.id < FIRST_GROUP_ID:
            faults.append(f"group {group.id} has an id that is kept for objects")
        if any(known.get(member) not in _categories(group) for member in group.member_ids):
            faults.append(f"group {group.id} names members that are no {group.category} of this scene")
    if faults:
        raise HubpubError(
            "HP-D03",
            f"{scene.filename} is malformed: {'; '.join(faults)}",
            hint="mend or leave out this scene, then build the dataset again",
            where=where or scene.filename,
            faults=faults,
        )


def _categories(group: Group) -> tuple[str, ...]:
    return PAIRS.get(group.category, (group.category,))
