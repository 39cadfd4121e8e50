"""The rule grammar: everything that may be said of an object or a group, ambiguous or not.

the [size | extreme] [colour] CATEGORY [in the GRID CELL] [that is DIRECTION a CATEGORY]
the group of N CATEGORIES [in the GRID CELL]
the pair of a CATEGORY and a CATEGORY [in the GRID CELL]
all CATEGORIES in the image
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Literal

from publisher.data.aerial.relations import possible_directions, possible_positions
from publisher.data.aerial.scene import PAIRS, Group, Scene, SceneObject

RELATIONS_SAID = 2  # nearest neighbours that an object is described by
_MOST_PARTS = 3  # beside the category; more reads like a list

Feature = Literal["category", "position", "extreme", "size", "color", "relation", "group", "class"]


@dataclass(frozen=True)
class ObjectWords:
    """What an expression says of one object; None = not said."""

    category: str
    size: str | None = None
    extreme: str | None = None
    color: str | None = None
    position: str | None = None
    direction: str | None = None
    target: str | None = None  # category of what the direction is seen from

    @property
    def text(self) -> str:
        """The expression."""
        words = ["the", self.size, self.extreme, self.color, self.category, self.position]
        if self.direction and self.target:
            words += [
                "that is",
                self.direction,
                _indefinite(self.target, another=self.target == self.category),
            ]
        return " ".join(word for word in words if word)

    @property
    def features(self) -> tuple[Feature, ...]:
        """The parts of the grammar that it uses."""
        said: dict[Feature, str | None] = {
            "category": self.category,
            "position": self.position,
            "extreme": self.extreme,
            "size": self.size,
            "color": self.color,
            "relation": self.direction,
        }
        return tuple(feature for feature, word in said.items() if word)


@dataclass(frozen=True)
class GroupWords:
    """What an expression says of a group; without a count it means all of the category."""

    category: str
    count: int | None = None
    position: str | None = None

    @property
    def text(self) -> str:
        """The expression."""
        if self.count is None:
            return f"all {plural(self.category)} in the image"
        words = f"the group of {self.count} {plural(self.category)}"
        if self.category in PAIRS:
            words = "the pair of " + " and ".join(
                _indefinite(name, another=False) for name in PAIRS[self.category]
            )
        return f"{words} {self.position}" if self.position else words

    @property
    def features(self) -> tuple[Feature, ...]:
        """The parts of the grammar that it uses."""
        if self.count is None:
            return ("category", "class")
        return ("category", "position", "group") if self.position else ("category", "group")


@dataclass(frozen=True)
class Expression:
    """One thing said of one item: an object's or a group's id, and the words."""

    item_id: int
    words: ObjectWords | GroupWords


def generate(scene: Scene, *, borderline: bool = False) -> tuple[Expression, ...]:
    """All expressions of a described scene, object by object, then group by group.

    Args:
        scene: as `relations.describe` gives it.
        borderline: say also what only a less careful viewer would say, of an object near a line of the grid or near
            the border of two directions.
    """
    of_objects = [
        Expression(thing.id, words)
        for thing in scene.objects
        for words in _of_object(scene, thing, borderline=borderline)
    ]
    of_groups = [Expression(group.id, words) for group in scene.groups for words in _of_group(scene, group)]
    return (*of_objects, *of_groups)


def said_relations(thing: SceneObject) -> tuple[tuple[str, str], ...]:
    """The relations that an object is described by: direction and category, the nearest clear ones."""
    clear = dict.fromkeys(
        (near.direction, near.target_category) for near in thing.relationships if not near.is_borderline
    )
    return tuple(clear)[:RELATIONS_SAID]


def plural(name: str) -> str:
    """The plural of a category's name."""
    if name.endswith(("s", "x", "ch", "sh")):
        return f"{name}es"
    if name.endswith("y") and name[-2:-1] not in "aeiou":
        return f"{name[:-1]}ies"
    return f"{name}s"


def _of_object(scene: Scene, thing: SceneObject, *, borderline: bool) -> Iterator[ObjectWords]:
    # Of an object without a certain colour every possible one is said, so that the filter can count what it drops.
    colors = (thing.color,) if thing.color else thing.possible_colors
    choices = product(
        (None, *colors),
        (None, *_positions(scene, thing, borderline=borderline)),
        (None, *thing.extreme_positions),
        (None, thing.size_attribute) if thing.size_attribute else (None,),
        (None, *_relations(scene, thing, borderline=borderline)),
    )
    for color, position, extreme, size, relation in choices:
        # An extreme already says where, and two superlatives in a row leave open which one counts first.
        if extreme and (size or position):
            continue
        direction, target = relation or (None, None)
        words = ObjectWords(thing.name, size, extreme, color, position, direction, target)
        if len(words.features) <= 1 + _MOST_PARTS:
            yield words


def _positions(scene: Scene, thing: SceneObject, *, borderline: bool) -> tuple[str, ...]:
    every = possible_positions(thing.bndbox, scene.width, scene.height)
    return every if borderline else every[:1]


def _relations(scene: Scene, thing: SceneObject, *, borderline: bool) -> tuple[tuple[str, str], ...]:
    if not borderline:
        return said_relations(thing)
    boxes = {other.id: other.bndbox for other in scene.objects}
    near = thing.relationships[:RELATIONS_SAID]
    return tuple(
        dict.fromkeys(
            (direction, one.target_category)
            for one in near
            for direction in possible_directions(thing.bndbox, boxes[one.target_id])
        )
    )


def _of_group(scene: Scene, group: Group) -> Iterator[GroupWords]:
    if group.is_cluster:
        yield GroupWords(group.category, group.size)
        position = possible_positions(group.bndbox, scene.width, scene.height)[0]
        yield GroupWords(group.category, group.size, position)
    if group.is_class:
        yield GroupWords(group.category)


def _indefinite(name: str, *, another: bool) -> str:
    if another:
        return f"another {name}"
    return f"an {name}" if name[0] in "aeiou" else f"a {name}"
