"""Masks as run-length code, as COCO's own program writes them."""

import random

import pytest

from publisher.data.aerial.rle import checked, counts_of, mask_of, union

Image = pytest.importorskip("PIL.Image")
ImageDraw = pytest.importorskip("PIL.ImageDraw")
pytestmark = pytest.mark.models

CODE = "01:2H000004"  # what pycocotools 2.0.10 makes of it


@pytest.fixture
def mask():
    """7x5 pixels: a block of 4x3 in the middle, and the top left corner."""
    made = Image.new("L", (7, 5), 0)
    made.paste(255, (2, 1, 6, 4))
    made.putpixel((0, 0), 255)
    return made


def test_the_code_is_the_one_that_pycocotools_writes(mask):
    """Whoever reads the dataset uses that library."""
    assert CODE == counts_of(mask)


@pytest.mark.parametrize("counts", [CODE, CODE.encode(), [0, 1, 10, 3, 2, 3, 2, 3, 2, 3, 6]])
def test_letters_bytes_and_plain_runs_are_read(mask, counts):
    """AerialD has letters or bytes, COCO's crowds have runs."""
    assert mask.tobytes() == mask_of(counts, 7, 5).tobytes()


def test_what_is_packed_is_unpacked_again():
    """Of any mask: large runs, differences below zero, empty and full ones."""
    chance = random.Random(1)
    for _ in range(60):
        width, height = chance.randint(1, 70), chance.randint(1, 90)
        made = Image.new("L", (width, height), 0)
        pen = ImageDraw.Draw(made)
        for _ in range(chance.randint(0, 5)):
            x, y = chance.randint(-9, width), chance.randint(-9, height)
            pen.ellipse(
                [x, y, x + chance.randint(0, 60), y + chance.randint(0, 60)],
                fill=chance.choice((0, 255, 255)),
            )

        assert made.tobytes() == mask_of(counts_of(made), width, height).tobytes()


@pytest.mark.parametrize(
    ("counts", "says"),
    [
        ("01:2H0000", "is of"),
        ("01:2H00000T", "ends in the middle"),
        ("zz~", "no letter"),
        ([3, -3, 35], "no length"),
        ([35, True], "no length"),
        (None, "neither text nor a list"),
        ("o" * 40, "no letter"),
    ],
)
def test_a_code_that_does_not_decode_says_why(counts, says):
    """A mask that is wrong by one pixel is wrong in every column behind it."""
    with pytest.raises(ValueError, match=says):
        mask_of(counts, 7, 5)


@pytest.mark.parametrize("told", [None, [], {"counts": CODE}, {"size": [7, 5], "counts": CODE}, {"size": 5}])
def test_a_code_for_another_size_is_refused(told):
    """Height comes first: the other way round, the mask would be of something else."""
    with pytest.raises(ValueError, match=r"not \[5, 7\]"):
        checked(told, 7, 5)


def test_masks_are_joined(mask):
    """A group's mask is that of its members."""
    other = Image.new("L", (7, 5), 0)
    other.putpixel((6, 4), 255)

    assert 14 == union([mask, other]).histogram()[255]
