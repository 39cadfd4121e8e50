"""What a model is asked: of the scene in words, its target first, or of two pictures. Short, for tokens cost."""

from __future__ import annotations

from collections.abc import Iterable

from publisher.data.aerial.expressions import plural, said_relations
from publisher.data.aerial.relations import possible_positions
from publisher.data.aerial.scene import PAIRS, Group, Scene, SceneObject

OTHERS_LISTED = 5  # further ones are left out: a prompt's length has a bound


def prompt(scene: Scene, item: SceneObject | Group) -> str:
    """Three lines: the target with what sets it apart, what else is there, and the task."""
    if isinstance(item, Group):
        target = _group(scene, item)
        others = [thing for thing in scene.objects if thing.id not in item.member_ids]
        near = set[int]()
    else:
        target = _object(item)
        others = [thing for thing in scene.objects if thing.id != item.id]
        near = {relation.target_id for relation in item.relationships}
    category = item.category if isinstance(item, Group) else item.name
    # What it may be mistaken for comes first, then what it may be told apart by.
    others.sort(key=lambda thing: (thing.name != category, thing.id not in near, thing.id))
    listed = _listed(others[:OTHERS_LISTED])
    return f"Target: {target}\nOthers: {listed}\nDescribe only the target."


def prompt_for_views(item: SceneObject | Group) -> str:
    """The question to a model that sees the item's two views, see `views`."""
    if isinstance(item, Group):
        return (
            f"The first image is an aerial scene in which {_named(item)} are tinted red, the second the same scene "
            "as it is. Refer to them in one short phrase by which they are found in the scene, without a word about "
            "the tint."
        )
    return (
        f"The first image is an aerial scene with a red box around one {item.name}, the second a close-up of it. "
        "Refer to it in one short phrase by which it is found in the scene, without a word about the box."
    )


def _named(group: Group) -> str:
    if group.category in PAIRS:
        return " and ".join(f"one {name}" for name in PAIRS[group.category])
    return f"{group.size} {plural(group.category)}" if group.size else f"some {plural(group.category)}"


def _object(thing: SceneObject) -> str:
    traits = [f"{thing.color or ''} {thing.name}".strip(), _cell(thing.grid_position)]
    traits += [word for word in (*thing.extreme_positions, thing.size_attribute) if word]
    traits += [f"{_bare(direction)} {target}" for direction, target in said_relations(thing)]
    return ", ".join(traits)


def _group(scene: Scene, group: Group) -> str:
    if group.category in PAIRS:
        position = _cell(possible_positions(group.bndbox, scene.width, scene.height)[0])
        return f"pair, {' and '.join(PAIRS[group.category])}, {position}"
    things = f"{group.size} {plural(group.category)}"
    if not group.is_cluster:
        return f"all {things}"
    position = _cell(possible_positions(group.bndbox, scene.width, scene.height)[0])
    return f"group, all {things}, {position}" if group.is_class else f"group, {things}, {position}"


def _listed(things: Iterable[SceneObject]) -> str:
    """Category by category, since a repeated name costs tokens: `ship red top left, dark center; plane bottom left`."""
    by_name: dict[str, list[str]] = {}
    for thing in things:
        seen = f"{thing.color or ''} {_cell(thing.grid_position)}".strip()
        by_name.setdefault(thing.name, []).append(seen)
    return "; ".join(f"{name} {', '.join(seen)}" for name, seen in by_name.items()) or "nothing"


def _cell(position: str) -> str:
    return position.removeprefix("in the ")


def _bare(direction: str) -> str:
    return direction.removeprefix("to the ")
