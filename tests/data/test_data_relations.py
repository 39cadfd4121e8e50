"""Geometry: what may be said of where things are, and where doubt begins."""

import pytest

from publisher.data.aerial.relations import possible_directions, possible_positions
from publisher.data.aerial.scene import Box


def at(x, y):
    return Box(x - 10, y - 10, x + 10, y + 10)


@pytest.mark.parametrize(
    ("x", "y", "expected"),
    [
        (60, 60, ("in the top left",)),
        (240, 60, ("in the top center",)),
        (60, 240, ("in the center left",)),
        (240, 240, ("in the center",)),
        (430, 430, ("in the bottom right",)),
        (150, 60, ("in the top left", "in the top center")),
        (170, 240, ("in the center", "in the center left")),
    ],
)
def test_a_cell_is_named_by_row_and_column_and_both_are_possible_near_a_line(x, y, expected):
    """The first is the ruler's answer; the others keep a neighbour from being mistaken for the target."""
    assert expected == possible_positions(at(x, y), 480, 480)


@pytest.mark.parametrize(
    ("dx", "dy", "expected"),
    [
        (100, 0, ("to the right of",)),
        (70, 70, ("to the bottom right of",)),
        (0, 100, ("below",)),
        (-70, 70, ("to the bottom left of",)),
        (-100, 0, ("to the left of",)),
        (-70, -70, ("to the top left of",)),
        (0, -100, ("above",)),
        (70, -70, ("to the top right of",)),
        (100, 36, ("to the right of", "to the bottom right of")),
        (100, 50, ("to the bottom right of", "to the right of")),
        (-100, 36, ("to the left of", "to the bottom left of")),
        (0, 0, ()),
    ],
)
def test_a_direction_is_one_of_eight_and_two_are_possible_near_their_border(dx, dy, expected):
    """Directions are the subject's as seen from the target, y downwards as in the image."""
    assert expected == possible_directions(at(240 + dx, 240 + dy), at(240, 240))


def test_an_extreme_is_given_only_where_no_other_comes_near(scene, thing):
    """ "The topmost" is of no use where two are nearly as high."""
    seen = scene(thing(1, "ship", 100, 100), thing(2, "ship", 300, 106), thing(3, "ship", 200, 300))

    assert [("leftmost",), ("rightmost",), ("bottommost",)] == [one.extreme_positions for one in seen.objects]


def test_a_lone_object_has_no_extreme_and_no_size(scene, thing):
    """A superlative needs something to be compared with."""
    alone = scene(thing(1, "ship", 100, 100), thing(2, "plane", 300, 300, side=60)).objects[0]

    assert ((), None) == (alone.extreme_positions, alone.size_attribute)


@pytest.mark.parametrize(
    ("sides", "expected"),
    [
        ((40, 20), ["larger", "smaller"]),
        ((22, 20), [None, None]),
        ((60, 40, 20), ["largest", None, "smallest"]),
        ((60, 22, 20), ["largest", None, None]),
    ],
)
def test_sizes_are_compared_within_a_category_from_one_and_a_half_times_the_area(
    scene, thing, sides, expected
):
    """Less than that, and people disagree; of two one says larger, of three largest."""
    seen = scene(*(thing(n, "ship", 60 + 100 * n, 60 + 90 * n, side=side) for n, side in enumerate(sides, 1)))

    assert expected == [one.size_attribute for one in seen.objects]


def test_an_object_that_the_edge_cuts_off_keeps_others_from_being_called_the_larger(scene, thing):
    """Nobody knows how far it goes on."""
    seen = scene(thing(1, "ship", 100, 100, side=60), thing(2, "ship", 300, 300, is_cutoff=True))

    assert [None, None] == [one.size_attribute for one in seen.objects]


def test_relations_reach_150_pixels_nearest_first_and_doubtful_directions_are_marked(scene, thing):
    """The rule of AerialD; beyond that a relation is far-fetched."""
    seen = scene(
        thing(1, "ship", 200, 200),
        thing(2, "harbor", 200, 100),
        thing(3, "plane", 250, 218),
        thing(4, "tank", 200, 360),
    )

    expected = [("plane", "to the left of", True), ("harbor", "below", False)]
    assert expected == [
        (near.target_category, near.direction, near.is_borderline) for near in seen.objects[0].relationships
    ]


def test_objects_linked_by_steps_of_100_pixels_are_one_cluster_and_all_of_a_kind_a_class(scene, thing):
    """A row of ships is one group even if its ends lie far apart."""
    row = [thing(n, "ship", 60 + 80 * n, 60) for n in range(1, 4)]
    far = thing(4, "ship", 60, 400)

    groups = scene(*row, far).groups

    expected = [((1, 2, 3), True, False), ((1, 2, 3, 4), False, True)]
    assert expected == [(group.member_ids, group.is_cluster, group.is_class) for group in groups]
