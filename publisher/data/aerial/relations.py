"""Where things are: grid, extremes, sizes and directions, with every reading that a viewer might have.

Functions named `possible_…` are lenient: they return all that could be said of an object by someone who looks
less closely than a ruler. What is said of an object must be possible for it and for no other: then it is
beyond doubt. The first entry of an ordered answer is the one that the ruler gives.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from publisher.data.aerial.scene import (
    FIRST_GROUP_ID,
    PAIRS,
    Box,
    Group,
    Relationship,
    Scene,
    SceneObject,
)

NEAR = 150  # pixels between middles up to which AerialD speaks of a relation
CLUSTER_GAP = 100  # pixels between middles up to which objects stand together
CLUSTER_DOUBT = 135  # pixels up to which a viewer might still say that they do
LARGEST_CLUSTER = 8

# Clockwise from the right, in steps of 45 degrees, y downwards: where the subject lies as seen from its target.
DIRECTIONS = (
    "to the right of",
    "to the bottom right of",
    "below",
    "to the bottom left of",
    "to the left of",
    "to the top left of",
    "above",
    "to the top right of",
)
EXTREMES = ("topmost", "bottommost", "leftmost", "rightmost")
SIZES = ("larger", "smaller", "largest", "smallest")  # the first two of a pair, the others of three and more

_GRID_DOUBT = 0.05  # of the image's width or height: so near to a line of the grid both sides are possible
_ANGLE_DOUBT = 10  # degrees: so near to the border of two directions both are possible
_EXTREME_DOUBT = 14  # pixels
_SIZE_RATIO = 1.5  # AerialD: from here on one object is plainly larger than another


def possible_positions(box: Box, width: int, height: int) -> tuple[str, ...]:
    """Cells of the 3x3 grid that the middle of a box may be said to lie in, like `in the top left`."""
    x, y = box.center
    rows = _thirds(y / height, ("top", "center", "bottom"))
    columns = _thirds(x / width, ("left", "center", "right"))
    return tuple(
        "in the center" if row == column == "center" else f"in the {row} {column}"
        for row in rows
        for column in columns
    )


def possible_directions(subject: Box, target: Box) -> tuple[str, ...]:
    """Directions in which the subject may be said to lie as seen from the target; none if their middles meet."""
    (x, y), (from_x, from_y) = subject.center, target.center
    if (x, y) == (from_x, from_y):
        return ()
    eighths = math.degrees(math.atan2(y - from_y, x - from_x)) / 45
    nearest = round(eighths)
    names = [DIRECTIONS[nearest % 8]]
    beyond = eighths - nearest
    if abs(beyond) > 0.5 - _ANGLE_DOUBT / 45:
        names.append(DIRECTIONS[(nearest + (1 if beyond > 0 else -1)) % 8])
    return tuple(names)


def possible_extremes(scene: Scene, thing: SceneObject) -> frozenset[str]:
    """Words like `topmost` that might be meant for this one among its category; none if it is alone."""
    others = [other for other in scene.of_category(thing.name) if other.id != thing.id]
    if not others:
        return frozenset()
    return frozenset(
        word
        for word in EXTREMES
        # A box may lead with its middle or with its edge: either is enough to be taken for the outermost.
        if any(
            all(mine <= theirs + _EXTREME_DOUBT for theirs in (_leads(other, word)[rank] for other in others))
            for rank, mine in enumerate(_leads(thing, word))
        )
    )


def possible_sizes(scene: Scene, thing: SceneObject) -> frozenset[str]:
    """Words like `larger` that might be meant for this one among its category; none if it is alone.

    The true size of an object that the image's edge cuts off is unknown: it might be larger than any.
    """
    others = [other for other in scene.of_category(thing.name) if other.id != thing.id]
    if not others:
        return frozenset()
    larger, smaller = ("larger", "smaller") if len(others) == 1 else ("largest", "smallest")
    words = set()
    if thing.is_cutoff or all(thing.area * _SIZE_RATIO > other.area for other in others):
        words.add(larger)
    if all(thing.area < other.area * _SIZE_RATIO or other.is_cutoff for other in others):
        words.add(smaller)
    return frozenset(words)


def describe(scene: Scene) -> Scene:
    """Fill in what can be said beyond doubt of every object, and find the groups."""
    extremes = Counter((one.name, word) for one in scene.objects for word in possible_extremes(scene, one))
    sizes = Counter((one.name, word) for one in scene.objects for word in possible_sizes(scene, one))
    alone = frozenset(said for counted in (extremes, sizes) for said, times in counted.items() if times == 1)
    described = replace(scene, objects=tuple(_describe(scene, thing, alone) for thing in scene.objects))
    return replace(described, groups=tuple(_groups(described)))


def _describe(scene: Scene, thing: SceneObject, alone: frozenset[tuple[str, str]]) -> SceneObject:
    """Of the words that might be meant for an object those that are `alone`: meant for no other of its category."""
    extremes = {word for word in possible_extremes(scene, thing) if (thing.name, word) in alone}
    sizes = {word for word in possible_sizes(scene, thing) if (thing.name, word) in alone}
    return replace(
        thing,
        grid_position=possible_positions(thing.bndbox, scene.width, scene.height)[0],
        extreme_positions=tuple(word for word in EXTREMES if word in extremes),
        size_attribute=next((word for word in SIZES if word in sizes), None),
        relationships=tuple(
            sorted(_relationships(scene, thing), key=lambda near: (near.distance, near.target_id))
        ),
    )


def _relationships(scene: Scene, thing: SceneObject) -> Iterator[Relationship]:
    for target in scene.objects:
        distance = math.dist(thing.bndbox.center, target.bndbox.center)
        if target.id == thing.id or distance > NEAR:
            continue
        directions = possible_directions(thing.bndbox, target.bndbox)
        if directions:
            yield Relationship(target.id, target.name, directions[0], round(distance, 1), len(directions) > 1)


def _groups(scene: Scene) -> Iterator[Group]:
    next_id = FIRST_GROUP_ID
    for name in sorted({thing.name for thing in scene.objects}):
        everyone = scene.of_category(name)
        if len(everyone) < 2:
            continue
        found = _clusters(everyone, CLUSTER_GAP)
        is_distinct = found == _clusters(everyone, CLUSTER_DOUBT)
        clusters = [cluster for cluster in found if 2 <= len(cluster) <= LARGEST_CLUSTER]
        if everyone not in clusters:
            clusters.append(everyone)
        for members in clusters:
            yield _group(
                next_id,
                name,
                members,
                is_cluster=members in found,
                is_distinct=is_distinct,
                is_class=members == everyone,
            )
            next_id += 1
    for name, kinds in PAIRS.items():
        either = tuple(thing for thing in scene.objects if thing.name in kinds)
        beyond_doubt = _clusters(either, CLUSTER_DOUBT)
        for members in _clusters(either, CLUSTER_GAP):
            if sorted(thing.name for thing in members) == sorted(kinds):
                is_distinct = members in beyond_doubt
                yield _group(next_id, name, members, is_cluster=True, is_distinct=is_distinct, is_class=False)
                next_id += 1


def _group(
    number: int,
    category: str,
    members: tuple[SceneObject, ...],
    *,
    is_cluster: bool,
    is_distinct: bool,
    is_class: bool,
) -> Group:
    return Group(
        id=number,
        category=category,
        member_ids=tuple(thing.id for thing in members),
        bndbox=around([thing.bndbox for thing in members]),
        centroid=_mean([thing.bndbox.center for thing in members]),
        is_cluster=is_cluster,
        is_distinct=is_distinct,
        is_class=is_class,
    )


def _clusters(things: tuple[SceneObject, ...], gap: int) -> list[tuple[SceneObject, ...]]:
    """Objects linked by steps of at most `gap` pixels between middles, in the order of their first members."""
    clusters: list[list[SceneObject]] = []
    for thing in things:
        linked = [old for old in clusters if any(_distance(thing, other) <= gap for other in old)]
        clusters = [old for old in clusters if old not in linked]
        clusters.append([*(member for old in linked for member in old), thing])
    return sorted(
        (tuple(sorted(one, key=lambda thing: thing.id)) for one in clusters), key=lambda one: one[0].id
    )


def _distance(a: SceneObject, b: SceneObject) -> float:
    return math.dist(a.bndbox.center, b.bndbox.center)


def around(boxes: list[Box]) -> Box:
    """The smallest box that holds them all; at least one."""
    return Box(
        min(box.xmin for box in boxes),
        min(box.ymin for box in boxes),
        max(box.xmax for box in boxes),
        max(box.ymax for box in boxes),
    )


def _mean(points: list[tuple[float, float]]) -> tuple[float, float]:
    return (sum(x for x, _ in points) / len(points), sum(y for _, y in points) / len(points))


def _thirds(share: float, names: tuple[str, str, str]) -> list[str]:
    cell = min(int(share * 3), 2)
    found = [names[cell]]
    if cell > 0 and share - cell / 3 < _GRID_DOUBT:
        found.append(names[cell - 1])
    if cell < 2 and (cell + 1) / 3 - share < _GRID_DOUBT:
        found.append(names[cell + 1])
    return found


def _leads(thing: SceneObject, word: str) -> tuple[float, float]:
    """How far out an object is, by its middle and by its edge: less is further."""
    box = thing.bndbox
    x, y = box.center
    return {
        "topmost": (y, box.ymin),
        "bottommost": (-y, -box.ymax),
        "leftmost": (x, box.xmin),
        "rightmost": (-x, -box.xmax),
    }[word]
