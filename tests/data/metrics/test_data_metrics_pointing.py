"""Spatial accuracy stands on the grammar's way back: what rules say of a target must lead to that target and no other."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from publisher.data.aerial.colours import COLOURS
from publisher.data.aerial.columns import item_columns, scene_of
from publisher.data.aerial.contents import columns_of
from publisher.data.aerial.expressions import generate
from publisher.data.aerial.pointing import Target, point, target_of
from publisher.data.aerial.relations import describe
from publisher.data.aerial.resolver import parse
from publisher.data.aerial.scene import Box, Scene, SceneObject
from publisher.data.aerial.unique import keep_unique

SCENES = 200
CATEGORIES = (
    "ship",
    "harbor",
    "storage tank",
    "large vehicle",
    "small vehicle",
    "airport bus",
    "swimming pool",
)


@pytest.fixture(scope="module")
def scenes() -> tuple[Scene, ...]:
    return tuple(_random_scene(Random(n), n) for n in range(SCENES))


def test_whatever_the_grammar_says_can_be_read_back(scenes: tuple[Scene, ...]) -> None:
    """Coverage is all of it: an expression that cannot be read would count against the model that learnt it."""
    said = [(scene, one.words) for scene in scenes for one in generate(scene)]
    unread = [
        words.text
        for scene, words in said
        if parse(words.text, {thing.name for thing in scene.objects}) != words
    ]

    assert len(said) > 10 * SCENES
    assert [] == unread


def test_whatever_the_filter_keeps_points_at_its_target_and_nothing_else(scenes: tuple[Scene, ...]) -> None:
    """What the dataset promises, seen from the other side, through the columns of a row."""
    wrong = []
    for scene in scenes:
        targets: dict[int, Target] = {}
        for one in keep_unique(scene, generate(scene)).kept:
            if one.item_id not in targets:
                targets[one.item_id] = target_of(_row(scene, one.item_id))
            if not point(targets[one.item_id], one.words.text).exact:
                wrong.append((scene.filename, one.item_id, one.words.text))

    assert [] == wrong


def test_what_the_filter_drops_as_ambiguous_is_read_as_ambiguous(scenes: tuple[Scene, ...]) -> None:
    """Else every answer that can be read at all would count as right."""
    ambiguous = 0
    for scene in scenes:
        kept = set(keep_unique(scene, generate(scene)).kept)
        for one in generate(scene):
            found = point(Target(scene, one.item_id), one.words.text)
            ambiguous += found.readable and not found.unique
            assert found.readable
            assert one in kept or not found.exact or _is_doubtful(scene, one.item_id)

    assert ambiguous > SCENES


def test_an_answer_for_another_item_is_read_and_wrong(scenes: tuple[Scene, ...]) -> None:
    """Unique, but not the one that was meant."""
    scene, (one, other, *_) = next((scene, said) for scene in scenes if len(said := _one_of_each(scene)) > 1)
    found = point(Target(scene, one.item_id), other.words.text)

    assert (True, True, False) == (found.readable, found.unique, found.exact)


def test_case_spaces_and_a_full_stop_are_no_fault_and_other_words_are(scene, thing) -> None:
    """The reader is a stranger, no machine; but what it cannot read it does not guess at."""
    target = Target(scene(thing(1, "ship", 60, 60), thing(2, "harbor", 400, 400)), 1)

    assert point(target, " The red  Ship.").exact
    assert not point(target, "the red boat").readable
    assert not point(target, "the red ship, I think").readable
    assert not point(target, "").readable


def test_a_scene_comes_back_from_the_columns_of_a_row(scenes: tuple[Scene, ...]) -> None:
    """Whoever has the dataset has the scenes."""
    for scene in scenes[:20]:
        thing, *_ = scene.objects
        back = scene_of(_row(scene, thing.id))

        assert _seen(scene) == _seen(back)


def _random_scene(rng: Random, number: int) -> Scene:
    """Rectangles of a few categories anywhere, overlapping or not: odder than any drawn scene, and there at once."""
    kinds = rng.sample(CATEGORIES, 3)
    things = []
    for n in range(1, rng.randint(3, 9)):
        x, y, width, height = (
            rng.randint(0, 400),
            rng.randint(0, 400),
            rng.randint(10, 80),
            rng.randint(10, 80),
        )
        possible = tuple(sorted(rng.sample(COLOURS, rng.choice((1, 1, 1, 2)))))
        things.append(
            SceneObject(
                id=n,
                name=rng.choice(kinds),
                bndbox=Box(x, y, x + width, y + height),
                area=width * height * rng.randint(6, 10) // 10,
                color=possible[0] if len(possible) == 1 else None,
                possible_colors=possible,
                is_cutoff=rng.random() < 0.07,
            )
        )
    return describe(Scene(f"scene_{number:05d}.png", 480, 480, tuple(things)))


def _row(scene: Scene, item_id: int) -> dict[str, object]:
    item = next(item for item in (*scene.objects, *scene.groups) if item.id == item_id)
    return {**item_columns(scene, item), **columns_of(scene)}


def _seen(scene: Scene) -> list:
    """All but the masks, which are no part of what words are read by."""
    return [replace(item, segmentation=None) for item in (*scene.objects, *scene.groups)]


def _one_of_each(scene: Scene) -> list:
    by_item = {one.item_id: one for one in keep_unique(scene, generate(scene)).kept}
    return list(by_item.values())


def _is_doubtful(scene: Scene, item_id: int) -> bool:
    """The filter also drops what fits one item by words alone: cut-off objects, doubtful colours and groups."""
    group = next((group for group in scene.groups if group.id == item_id), None)
    meant = [thing for thing in scene.objects if thing.id in (group.member_ids if group else (item_id,))]
    return any(thing.is_cutoff or thing.is_ambiguous for thing in meant) or bool(
        group and not group.is_distinct
    )
