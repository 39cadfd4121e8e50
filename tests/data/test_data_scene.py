"""Scenes that cannot be true are refused, with all their faults at once."""

from dataclasses import replace

import pytest

from publisher.data.aerial.scene import Box, Scene, validate_scene
from publisher.errors import HubpubError


def refusal(scene):
    with pytest.raises(HubpubError) as caught:
        validate_scene(scene)
    return caught.value.code, caught.value.data["faults"]


def test_a_sound_scene_passes(scene, thing):
    """Groups included."""
    validate_scene(scene(thing(1, "ship", 60, 60), thing(2, "ship", 100, 60)))


def test_an_empty_scene_is_refused():
    """A picture without objects gives no rows."""
    assert ("HP-D03", ["there is nothing in it"]) == refusal(Scene("empty.png", 480, 480, ()))


def test_all_faults_of_a_scene_are_named_at_once(thing):
    """Nobody wants to mend an import one fault at a time."""
    broken = Scene(
        "broken.png",
        480,
        480,
        (
            thing(1, "ship", 475, 60),
            thing(1, "", 60, 60),
            replace(thing(2, "plane", 60, 60), bndbox=Box(50, 50, 50, 60)),
            thing(1_000_000, "tank", 60, 60),
        ),
    )

    expected = [
        "id 1 is used 2 times",
        "the box of ship 1 reaches outside the image of 480x480",
        "object 1 has no category",
        "the box of plane 2 is empty",
        "tank 1000000 has an id that is kept for groups",
    ]
    assert ("HP-D03", expected) == refusal(broken)


def test_groups_must_have_group_ids_and_members_of_their_category(scene, thing):
    """A group that names a stranger would be described by things that are not in it."""
    sound = scene(thing(1, "ship", 60, 60), thing(2, "ship", 100, 60), thing(3, "plane", 300, 300))
    group = replace(sound.groups[0], id=7, member_ids=(1, 3))

    expected = [
        "group 7 has an id that is kept for objects",
        "group 7 names members that are no ship of this scene",
    ]
    assert ("HP-D03", expected) == refusal(replace(sound, groups=(group,)))
