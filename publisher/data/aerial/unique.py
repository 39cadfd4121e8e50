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
    for expression in expressions:
        reason = _reason_to_drop(scene, expression)
        if reason is None:
            kept.append(expression)
        else:
            dropped[reason] += 1
    return Filtered(tuple(kept), dict(dropped))


def fitting(scene: Scene, words: ObjectWords | GroupWords) -> frozenset[int]:
    """Ids of all items that the words might be meant for, every doubt counted in."""
    if isinstance(words, ObjectWords):
        return frozenset(thing.id for thing in scene.objects if _fits(scene, thing, words))
    return frozenset(group.id for group in scene.groups if _fits_group(scene, group, words))


def _reason_to_drop(scene: Scene, expression: Expression) -> str | None:
    words = expression.words
    things = {thing.id: thing for thing in scene.objects}
    group = next((group for group in scene.groups if group.id == expression.item_id), None)
    meant = [things[number] for number in (group.member_ids if group else (expression.item_id,))]
    if any(thing.is_cutoff for thing in meant):
        return "cut_off"
    if isinstance(words, ObjectWords) and words.color is not None and meant[0].is_ambiguous:
        return "ambiguous_color"
    if group and isinstance(words, GroupWords) and words.count is not None and not group.is_distinct:
        return "ambiguous"
    return None if fitting(scene, words) == {expression.item_id} else "ambiguous"


def _fits(scene: Scene, thing: SceneObject, words: ObjectWords) -> bool:
    return (
        thing.name == words.category
        and (words.color is None or words.color in thing.possible_colors)
        and (words.extreme is None or words.extreme in possible_extremes(scene, thing))
        and (words.size is None or words.size in possible_sizes(scene, thing))
        and (
            words.position is None
            or words.position in possible_positions(thing.bndbox, scene.width, scene.height)
        )
        and (words.direction is None or _is_related(scene, thing, words))
    )


def _is_related(scene: Scene, thing: SceneObject, words: ObjectWords) -> bool:
    # A reader knows no limit of 150 pixels: a far object in that direction fits the words as well.
    return any(
        words.direction in possible_directions(thing.bndbox, target.bndbox)
        for target in scene.objects
        if target.id != thing.id and target.name == words.target
    )


def _fits_group(scene: Scene, group: Group, words: GroupWords) -> bool:
    if group.category != words.category:
        return False
    if words.count is None:
        return group.is_class
    return (
        group.is_cluster
        and group.size == words.count
        and (
            words.position is None
            or words.position in possible_positions(group.bndbox, scene.width, scene.height)
        )
    )
