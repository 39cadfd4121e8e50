"""The two pictures of one item, looked at pixel by pixel."""

from __future__ import annotations

import io

import pytest

from publisher.data.aerial.scene import Box
from publisher.data.aerial.views import group_views, object_views
from publisher.errors import HubpubError

pytestmark = pytest.mark.models

GREY, RED = (100, 120, 140), (255, 0, 0)
BOX = Box(100, 60, 140, 90)


@pytest.fixture(scope="module")
def png():
    return picture_of(480, 320)


def picture_of(width, height):
    from PIL import Image

    stored = io.BytesIO()
    Image.new("RGB", (width, height), GREY).save(stored, format="PNG")
    return stored.getvalue()


def opened(view):
    from PIL import Image

    return Image.open(io.BytesIO(view))


def test_the_box_is_drawn_around_the_object_and_leaves_every_pixel_of_it(png):
    """A line over a car's edge would hide what it looks like."""
    scene = opened(object_views(png, BOX)[0])

    assert ((480, 320), "RGB") == (scene.size, scene.mode)
    assert [(40 * 30, GREY)] == scene.crop((100, 60, 140, 90)).getcolors()
    around = scene.crop((98, 58, 142, 92))
    assert {RED: 44 * 34 - 40 * 30, GREY: 40 * 30} == {colour: count for count, colour in around.getcolors()}
    assert scene.getpixel((97, 57)) == GREY


def test_an_object_at_the_edge_has_its_line_inside_the_image(png):
    """Half of the line would be outside, and the mark no box."""
    scene = opened(object_views(png, Box(0, 0, 30, 30))[0])

    assert RED == scene.getpixel((0, 0)) == scene.getpixel((1, 20)) == scene.getpixel((31, 31))


def test_the_close_up_shows_half_a_box_around_it_unmarked_and_enlarged(png):
    """40 and 24 on either side, as that is the least margin; then 336 pixels long."""
    close = opened(object_views(png, BOX)[1])

    assert (336, round((30 + 48) * 336 / (40 + 48))) == close.size
    assert [(close.width * close.height, GREY)] == close.getcolors()


def test_a_close_up_of_something_large_is_not_enlarged(png):
    """Pixels that are not there say nothing."""
    assert (480, 320) == opened(object_views(png, Box(20, 20, 460, 300))[1]).size


def test_a_group_is_tinted_by_its_mask_and_the_second_picture_is_clean(png):
    """Through the tint the roof can still be seen."""
    mask = bytearray(480 * 320)
    mask[10 * 480 + 7] = 1
    tinted, clean = map(opened, group_views(png, [BOX], bytes(mask)))

    assert (169, 66, 77) == tinted.getpixel((7, 10))
    assert GREY == tinted.getpixel((8, 10)) == tinted.getpixel((110, 70))
    assert [(480 * 320, GREY)] == clean.getcolors()


def test_without_a_mask_the_members_boxes_are_tinted(png):
    """Not every source has masks."""
    tinted = opened(group_views(png, [BOX, Box(200, 200, 210, 210)])[0])

    assert {40 * 30 + 100, 480 * 320 - 40 * 30 - 100} == {count for count, _ in tinted.getcolors()}


def test_a_large_scene_becomes_views_of_1024_pixels():
    """A photo of 20 megapixels would be refused, or paid for by the tile."""
    large = picture_of(2400, 1200)

    assert [(1024, 512)] * 2 == [opened(view).size for view in group_views(large, [BOX])]
    assert (1024, 512) == opened(object_views(large, BOX)[0]).size
    assert (336, 298) == opened(object_views(large, BOX)[1]).size


def test_the_same_scene_gives_the_same_bytes(png):
    """Answers are kept by them."""
    assert object_views(png, BOX) == object_views(png, BOX)


@pytest.mark.parametrize(
    "views",
    [
        lambda png: object_views(b"no picture", BOX),
        lambda png: object_views(png[:60], BOX),
        lambda png: object_views(png, Box(470, 10, 490, 20)),
        lambda png: object_views(png, Box(10, 10, 10, 20)),
        lambda png: group_views(png, [BOX], b"\x01" * 7),
    ],
)
def test_what_cannot_be_drawn_is_a_malformed_scene(png, views):
    """One error, not a traceback of Pillow's."""
    with pytest.raises(HubpubError) as caught:
        views(png)

    assert "HP-D03" == caught.value.code
