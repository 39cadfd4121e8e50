"""The way back: read an expression as a stranger would, and point at what it may mean."""

from __future__ import annotations

import re
from collections.abc import Iterable

from publisher.data.aerial.colours import COLOURS
from publisher.data.aerial.expressions import GroupWords, ObjectWords, plural
from publisher.data.aerial.relations import DIRECTIONS, EXTREMES, SIZES
from publisher.data.aerial.scene import PAIRS, Scene
from publisher.data.aerial.unique import fitting


def resolve(scene: Scene, text: str) -> frozenset[int]:
    """Ids of all items that an expression may mean; empty where it is not of our grammar or fits nothing."""
    words = parse(text, {thing.name for thing in scene.objects})
    return frozenset() if words is None else fitting(scene, words)


def parse(text: str, categories: set[str]) -> ObjectWords | GroupWords | None:
    """The words of an expression; None where it is not of our grammar or names an unknown category.

    Case, spaces and a full stop at the end are no fault.
    """
    text = " ".join(text.lower().split()).removesuffix(".")
    singular = {plural(name): name for name in categories}
    if found := re.fullmatch(rf"all {_one_of('category', singular)} in the image", text):
        return GroupWords(singular[found["category"]])
    cell = r"(?: (?P<position>in the (?:center|(?:top|center|bottom) (?:left|center|right))))?"
    if found := re.fullmatch(rf"the group of (?P<count>\d+) {_one_of('category', singular)}{cell}", text):
        return GroupWords(singular[found["category"]], int(found["count"]), found["position"])
    for pair in PAIRS:
        if found := re.fullmatch(rf"{re.escape(GroupWords(pair, 2).text)}{cell}", text):
            return GroupWords(pair, 2, found["position"])
    found = re.fullmatch(
        rf"the(?: {_one_of('size', SIZES)})?(?: {_one_of('extreme', EXTREMES)})?(?: {_one_of('color', COLOURS)})?"
        rf" {_one_of('category', categories)}{cell}"
        rf"(?: that is {_one_of('direction', DIRECTIONS)} (?:a|an|another) {_one_of('target', categories)})?",
        text,
    )
    return None if found is None else ObjectWords(**found.groupdict())


def _one_of(name: str, words: Iterable[str]) -> str:
    return f"(?P<{name}>{'|'.join(sorted(map(re.escape, words), key=len, reverse=True))})"
