"""The grammar, the filter and the way back, on scenes made by hand."""

import time

import pytest

from publisher.data.aerial.expressions import Expression, GroupWords, ObjectWords, generate, plural
from publisher.data.aerial.resolver import parse, resolve
from publisher.data.aerial.unique import fitting, keep_unique


def said(scene, number):
    return {one.words.text for one in generate(scene) if one.item_id == number}


def kept(scene, number):
    return {one.words.text for one in keep_unique(scene, generate(scene)).kept if one.item_id == number}


def test_every_part_of_the_grammar_is_said(scene, thing):
    """These are AerialD's kinds of expressions; a part that is never said is a part that no model learns."""
    seen = scene(
        thing(1, "ship", 100, 100, side=40),
        thing(2, "ship", 100, 300, "dark"),
        thing(3, "harbor", 200, 100, "light"),
    )

    expected = {
        "the ship",
        "the ship in the top left",
        "the red ship",
        "the larger ship",
        "the topmost ship",
        "the ship that is to the left of a harbor",
        "the larger red ship in the top left",
        "the topmost red ship that is to the left of a harbor",
    }
    assert expected == expected & said(seen, 1)


def test_a_neighbour_of_the_same_kind_is_another_one(scene, thing):
    """ "The ship that is above a ship" reads as if it could be above itself."""
    seen = scene(thing(1, "ship", 100, 100), thing(2, "ship", 100, 200))

    assert "the ship that is above another ship" in kept(seen, 1)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ship", "ships"),
        ("swimming pool", "swimming pools"),
        ("bus", "buses"),
        ("ferry", "ferries"),
        ("bay", "bays"),
    ],
)
def test_categories_have_their_plural(name, expected):
    """Groups are spoken of in the plural."""
    assert expected == plural(name)


def test_words_that_fit_two_objects_are_dropped(scene, thing):
    """The one promise of this dataset."""
    seen = scene(thing(1, "ship", 60, 60), thing(2, "ship", 430, 430))

    texts = kept(seen, 1)

    assert {"the ship", "the red ship"} & said(seen, 1) == {"the ship", "the red ship"}
    assert not {"the ship", "the red ship"} & texts
    assert "the ship in the top left" in texts


def test_hundreds_of_things_in_one_image_are_described_in_seconds(scene, thing):
    """A car park from the air: what compared every car with every pair of cars took minutes."""
    cars = [
        thing(number, "small vehicle", 12 + 30 * (number % 16), 12 + 30 * (number // 16))
        for number in range(250)
    ]
    started = time.process_time()

    seen = scene(*cars)
    kept = keep_unique(seen, generate(seen)).kept

    assert time.process_time() - started < 20
    assert {1_000_000} <= {expression.item_id for expression in kept}, "all of them together"


def test_a_doubtful_neighbour_counts_as_fitting(scene, thing):
    """The second ship is a few pixels beyond the line of the grid: a viewer may well call that top left."""
    seen = scene(thing(1, "ship", 60, 60), thing(2, "ship", 168, 60))

    assert "the ship in the top left" not in kept(seen, 1)


def test_a_relation_is_doubtful_even_when_the_other_object_is_far_away(scene, thing):
    """Readers of the text know nothing of the 150 pixels within which relations are said."""
    near, far = thing(1, "ship", 60, 60), thing(2, "ship", 60, 150)
    seen = scene(near, far, thing(3, "harbor", 60, 400), thing(4, "harbor", 60, 250))

    assert "the ship that is above a harbor" in said(seen, 2)
    assert "the ship that is above a harbor" not in kept(seen, 2)


def test_colour_expressions_of_an_object_without_a_certain_colour_are_dropped_and_counted(scene, thing):
    """One viewer says light, another dark."""
    seen = scene(thing(1, "building", 60, 60, None))
    filtered = keep_unique(seen, generate(seen))

    assert {"the building", "the building in the top left"} == {one.words.text for one in filtered.kept}
    assert {"cut_off": 0, "ambiguous_color": 4, "ambiguous": 0} == filtered.dropped


def test_an_object_of_doubtful_colour_keeps_another_from_being_named_by_that_colour(scene, thing):
    """A roof half light, half dark may be meant by "the light building" too."""
    seen = scene(thing(1, "building", 60, 60, "light"), thing(2, "building", 430, 430, None))

    assert "the light building" not in kept(seen, 1)


def test_nothing_is_said_of_objects_that_the_edge_cuts_off_but_they_can_be_meant(scene, thing):
    """A cut-off ship is still a ship to whoever reads "the ship"."""
    seen = scene(thing(1, "ship", 10, 60, is_cutoff=True), thing(2, "ship", 430, 430))

    assert (set(), False) == (kept(seen, 1), "the ship" in kept(seen, 2))


def test_groups_are_said_as_a_cluster_and_as_a_class(scene, thing):
    """Both kinds that AerialD has."""
    seen = scene(thing(1, "ship", 60, 60), thing(2, "ship", 120, 60), thing(3, "ship", 400, 400))

    cluster, everyone = seen.groups
    assert {"the group of 2 ships", "the group of 2 ships in the top left"} == kept(seen, cluster.id)
    assert {"all ships in the image"} == kept(seen, everyone.id)


def test_a_cluster_with_a_straggler_is_no_group_that_can_be_counted(scene, thing):
    """Two ships, or three? At 120 pixels both answers are right."""
    seen = scene(thing(1, "ship", 60, 60), thing(2, "ship", 120, 60), thing(3, "ship", 240, 60))

    assert set() == kept(seen, seen.groups[0].id)


def test_two_clusters_of_one_size_are_told_apart_by_place_alone(scene, thing):
    """ "The group of 2 ships" fits both."""
    seen = scene(
        *(thing(n, "ship", *xy) for n, xy in enumerate([(50, 50), (99, 50), (400, 430), (440, 430)], 1))
    )

    assert {"the group of 2 ships in the top left"} == kept(seen, seen.groups[0].id)


@pytest.mark.parametrize(
    "words",
    [
        ObjectWords("ship"),
        ObjectWords("storage tank", color="light", position="in the center"),
        ObjectWords("ship", size="larger", position="in the bottom center", direction="above", target="ship"),
        ObjectWords("ship", extreme="topmost", direction="to the top left of", target="storage tank"),
        GroupWords("ship"),
        GroupWords("storage tank", 3, "in the top right"),
    ],
)
def test_what_is_written_can_be_read_back(words):
    """The resolver must see what was meant, or its proof is worth nothing."""
    assert words == parse(words.text, {"ship", "storage tank"})


@pytest.mark.parametrize(
    "text", ["", "the ship!", "a ship", "the pink ship", "the ship in the middle", "all planes in the image"]
)
def test_what_is_not_of_our_grammar_means_nothing(scene, thing, text):
    """A resolver that guesses would find expressions unambiguous that are not."""
    assert frozenset() == resolve(scene(thing(1, "ship", 60, 60)), text)


def test_the_resolver_names_everything_that_may_be_meant(scene, thing):
    """Two answers are how a text is found to be ambiguous."""
    seen = scene(thing(1, "ship", 60, 60), thing(2, "ship", 430, 430))

    assert frozenset({1, 2}) == resolve(seen, "the red ship")
    assert frozenset({2}) == resolve(seen, "the red ship in the bottom right")


def test_the_filter_keeps_words_only_for_the_item_they_were_said_of(scene, thing):
    """Words may fit one object alone, and that the wrong one."""
    seen = scene(thing(1, "ship", 60, 60), thing(2, "ship", 430, 430, "dark"))
    words = ObjectWords("ship", color="dark")

    assert frozenset({2}) == fitting(seen, words)
    assert () == keep_unique(seen, [Expression(1, words)]).kept


def test_a_large_and_a_small_vehicle_that_stand_together_are_a_pair(scene, thing):
    """AerialD's one group of two categories; it is read back, too."""
    seen = scene(
        thing(1, "large vehicle", 60, 60), thing(2, "small vehicle", 120, 60), thing(3, "ship", 400, 400)
    )

    (pair,) = seen.groups
    assert ("vehicle pair", (1, 2)) == (pair.category, pair.member_ids)
    texts = {
        "the pair of a large vehicle and a small vehicle",
        "the pair of a large vehicle and a small vehicle in the top left",
    }
    assert texts == kept(seen, pair.id)
    assert {frozenset({pair.id})} == {resolve(seen, text) for text in texts}


@pytest.mark.parametrize("distance", [110, 130])
def test_a_vehicle_that_might_stand_with_a_pair_leaves_it_in_doubt(scene, thing, distance):
    """Two, or three? Nobody is to be asked for it."""
    pair = [thing(1, "large vehicle", 60, 60), thing(2, "small vehicle", 120, 60)]
    seen = scene(*pair, thing(3, "small vehicle", 120 + distance, 60))

    (found,) = [group for group in seen.groups if group.category == "vehicle pair"]
    assert not kept(seen, found.id)


def test_three_vehicles_that_stand_together_are_no_pair(scene, thing):
    """Nor are two of one kind."""
    row = [
        thing(n, name, 40 + 50 * n, 60)
        for n, name in enumerate(("large vehicle", "small vehicle", "small vehicle"))
    ]

    assert "vehicle pair" not in {group.category for group in scene(*row).groups}
    assert "vehicle pair" not in {group.category for group in scene(*row[1:]).groups}


def test_two_pairs_are_told_apart_by_place_alone(scene, thing):
    """The bare words fit both."""
    seen = scene(
        thing(1, "large vehicle", 60, 60),
        thing(2, "small vehicle", 120, 60),
        thing(3, "large vehicle", 360, 420),
        thing(4, "small vehicle", 420, 420),
    )
    first = next(group for group in seen.groups if group.member_ids == (1, 2))

    assert {"the pair of a large vehicle and a small vehicle in the top left"} == kept(seen, first.id)


def test_on_the_border_both_readings_are_said_where_they_are_asked_for(scene, thing):
    """AerialD says both; a model that reads the scene in words is told one, so it is no default."""
    seen = scene(thing(1, "ship", 152, 60), thing(2, "plane", 252, 98))

    def texts(**asked):
        return {one.words.text for one in generate(seen, **asked) if one.item_id == 1}

    on_the_border = {"the ship in the top center", "the ship that is to the left of a plane"}
    assert {"the ship in the top left"} <= texts()
    assert not on_the_border & texts()
    assert on_the_border | {"the ship that is to the top left of a plane"} <= texts(borderline=True)


def test_what_is_said_on_the_border_fits_one_object_all_the_same(scene, thing):
    """A second ship that is in that cell beyond doubt takes the words for itself."""
    seen = scene(thing(1, "ship", 152, 60), thing(2, "ship", 240, 60))

    texts = {
        one.words.text for one in keep_unique(seen, generate(seen, borderline=True)).kept if one.item_id == 1
    }

    assert "the ship in the top left" in texts
    assert "the ship in the top center" not in texts
