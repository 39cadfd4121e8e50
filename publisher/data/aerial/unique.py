"""The filter: only what fits exactly one item of the image stays."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from publisher.data.aerial.expressions import Expression, GroupWords, ObjectWords
from publisher.data.aerial.relations import (
    possible_directions,
    possible_extremes,
    possible_positions,
    possible_sizes,
)
from publisher.data.aerial.scene import Group, Scene, SceneObject

REASONS = ("cut_off", "ambiguous_color", "ambiguous")


@dataclass(frozen=True)
class Filtered:
    """What stays, in the order it came in, and how many were dropped for each of `REASONS`."""

    kept: tuple[Expression, ...]
    dropped: Mapping[str, int]


def keep_unique(scene: Scene, expressions: Iterable[Expression]) -> Filtered:
    """Drop what is said of cut-off objects, by a doubtful colour, or in words that fit more than one item."""
    kept = []
    dropped = Counter(dict.fromkeys(REASONS, 0))
    viewer = Viewer(scene)
    for expression in expressions:
        reason = _reason_to_drop(viewer, expression)
        if reason is None:
            kept.append(expression)
        else:
            dropped[reason] += 1
    return Filtered(tuple(kept), dict(dropped))


def fitting(scene: Scene, words: ObjectWords | GroupWords) -> frozenset[int]:
    """Ids of all items that the words might be meant for, every doubt counted in."""
    return Viewer(scene).fitting(words)


class Viewer:
    """Someone who looks at one scene less closely than a ruler does."""

    def __init__(self, scene: Scene) -> None:
        """Take a described scene. What might be said of a thing is worked out once: hundreds may stand in an image."""
        self._scene = scene
        self.things = {thing.id: thing for thing in scene.objects}
        self.groups = {group.id: group for group in scene.groups}
        self._sayable: dict[int, frozenset[str | tuple[str, str]]] = {}

    def fitting(self, words: ObjectWords | GroupWords) -> frozenset[int]:
        """Ids of all items that the words might be meant for, every doubt counted in."""
        if isinstance(words, GroupWords):
            return frozenset(group.id for group in self._scene.groups if self._fits_group(group, words))
        told: set[str | tuple[str, str]] = {
            word for word in (words.position, words.extreme, words.size) if word is not None
        }
        if words.direction is not None and words.target is not None:
            told.add((words.direction, words.target))
        return frozenset(
            thing.id
            for thing in self._scene.objects
            if thing.name == words.category
            and (words.color is None or words.color in thing.possible_colors)
            and told <= self._of(thing)
        )

    def _of(self, thing: SceneObject) -> frozenset[str | tuple[str, str]]:
        """Where it may be said to lie, what it may be said to be among its category, and how it stands to others."""
        if thing.id not in self._sayable:
            scene = self._scene
            self._sayable[thing.id] = frozenset(
                (
                    *possible_positions(thing.bndbox, scene.width, scene.height),
                    *possible_extremes(scene, thing),
                    *possible_sizes(scene, thing),
                    # A reader knows no limit of 150 pixels: a far object in that direction fits the words as well.
                    *(
                        (direction, target.name)
                        for target in scene.objects
                        if target.id != thing.id
                        for direction in possible_directions(thing.bndbox, target.bndbox)
                    ),
                )
            )
        return self._sayable[thing.id]

    def _fits_group(self, group: Group, words: GroupWords) -> bool:
        if group.category != words.category:
            return False
        if words.count is None:
            return group.is_class
        scene = self._scene
        return (
            group.is_cluster
            and group.size == words.count
            and (
                words.position is None
                or words.position in possible_positions(group.bndbox, scene.width, scene.height)
            )
        )


def _reason_to_drop(viewer: Viewer, expression: Expression) -> str | None:
    words = expression.words
    group = viewer.groups.get(expression.item_id)
    meant = [viewer.things[number] for number in (group.member_ids if group else (expression.item_id,))]
    if any(thing.is_cutoff for thing in meant):
        return "cut_off"
    if isinstance(words, ObjectWords) and words.color is not None and meant[0].is_ambiguous:
        return "ambiguous_color"
    if group and isinstance(words, GroupWords) and words.count is not None and not group.is_distinct:
        return "ambiguous"
    return None if viewer.fitting(words) == {expression.item_id} else "ambiguous"
