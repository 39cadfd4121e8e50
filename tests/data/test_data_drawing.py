"""Drawn scenes: seeded, sound, varied, and coloured as their labels say."""

import io

import pytest

from publisher.data.aerial.colours import name_colour
from publisher.data.aerial.scene import validate_scene
from publisher.data.aerial.scenes import draw_scene
from publisher.data.aerial.sprites import CATEGORIES
from publisher.data.aerial.synthetic import synthetic_scenes
from publisher.errors import HubpubError
from publisher.manifest.dataset import ScenesSettings

pytestmark = pytest.mark.models


@pytest.fixture(scope="module")
def drawn():
    return [draw_scene(3, index, min_objects=4, max_objects=9) for index in range(16)]


def test_a_scene_depends_on_its_seed_and_number_alone(drawn):
    """Adding scenes to a dataset must not change the ones that are there."""
    assert drawn[5] == draw_scene(3, 5, min_objects=4, max_objects=9)
    assert drawn[5].png != draw_scene(4, 5, min_objects=4, max_objects=9).png


def test_a_picture_is_drawn_again_when_it_is_read_later():
    """A source of ten thousand scenes would hold 200 MB of pictures otherwise."""
    settings = ScenesSettings.model_validate({"from": "scenes", "scenes": 2, "seed": 3, "format": "text"})
    first, second = (load() for load in synthetic_scenes(settings))
    once = first.picture.read()
    second.picture.read()
    again = first.picture.read()

    assert once == again
    assert once is not again


def test_scenes_are_sound_and_hold_as_many_objects_as_asked_for(drawn):
    """What is drawn passes the same gate as what is imported."""
    for one in drawn:
        validate_scene(one.scene)
        assert 4 <= len(one.scene.objects) <= 9


def test_objects_do_not_touch_and_only_cut_off_ones_reach_the_edge(drawn):
    """Two objects in one box cannot be told apart, and a whole ship must be seen whole."""
    for one in drawn:
        for thing in one.scene.objects:
            box = thing.bndbox
            at_edge = box.xmin == 0 or box.ymin == 0 or box.xmax == 480 or box.ymax == 480
            assert thing.is_cutoff == at_edge
            assert not any(box.overlaps(other.bndbox) for other in one.scene.objects if other.id != thing.id)


def test_a_few_scenes_show_most_categories(drawn):
    """At least eight kinds, or there is little to learn."""
    seen = {thing.name for one in drawn for thing in one.scene.objects}

    assert seen <= set(CATEGORIES)
    assert len(seen) >= 12


def test_the_image_is_a_png_of_480_pixels_in_which_boxes_lie_on_their_objects(drawn):
    """A box beside its object would teach the wrong thing."""
    from PIL import Image

    one, thing = next((one, thing) for one in drawn for thing in one.scene.objects if thing.color == "green")
    picture = Image.open(io.BytesIO(one.png))
    box = thing.bndbox
    colors = picture.crop((box.xmin, box.ymin, box.xmax, box.ymax)).getcolors(maxcolors=1_000_000)
    _, possible = name_colour(colors)

    assert ("PNG", (480, 480), "RGB") == (picture.format, picture.size, picture.mode)
    assert thing.color in possible


def test_more_objects_than_fit_are_refused():
    """Fewer than asked for would be a silent lie."""
    with pytest.raises(HubpubError) as caught:
        draw_scene(3, 0, min_objects=500, max_objects=600)

    assert "HP-D03" == caught.value.code
    assert 9 < caught.value.data["room"] < 500


@pytest.mark.parametrize(
    ("pixels", "expected"),
    [
        ([(200, (240, 240, 240))], ("light", ("light",))),
        ([(200, (50, 50, 55))], ("dark", ("dark",))),
        ([(200, (200, 30, 30))], ("red", ("red",))),
        ([(200, (200, 30, 60))], ("red", ("red",))),
        ([(200, (230, 120, 20))], ("orange", ("orange",))),
        ([(200, (40, 90, 180))], ("blue", ("blue",))),
        ([(75, (40, 90, 180)), (25, (240, 240, 240))], ("blue", ("blue", "light"))),
        ([(100, (240, 240, 240)), (100, (50, 50, 55))], (None, ("dark", "light"))),
    ],
)
def test_a_colour_is_named_where_seven_tenths_agree(pixels, expected):
    """Below that it is ambiguous, and every name with a quarter of the pixels is possible."""
    assert expected == name_colour(pixels)


def test_of_too_few_pixels_any_colour_is_possible():
    """A speck's colour is nobody's certainty."""
    color, possible = name_colour([(50, (200, 30, 30))])

    assert (None, True) == (color, {"red", "light", "dark"} <= set(possible))
