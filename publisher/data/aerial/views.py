"""The two pictures by which one item of a scene is shown to a model with eyes: what is meant, and what it looks like.

An object: the whole scene with a red box around it, and a close-up in which nothing is drawn. A group: the scene with
its pixels tinted red, and the scene as it is.
"""

from __future__ import annotations

import io
from collections.abc import Sequence

from publisher.data.aerial.scene import Box
from publisher.data.aerial.sprites import Picture, Rgb
from publisher.data.installed import installed
from publisher.data.pictures import decoded
from publisher.errors import HubpubError

_RED: Rgb = (255, 0, 0)
_LINE = 160  # one pixel of line for so many of the image's shorter side
_MARGIN = 0.5  # of the box's longer side, on each side of a close-up
_LEAST_MARGIN = 24  # pixels: a car needs its street around it to be told from a container
_CLOSE_UP = 336  # pixels of a close-up's longer side at least; smaller ones are enlarged
_LONGEST = (
    1024  # pixels of any view's longer side: no model looks closer, and larger ones cost, or are refused
)
_TINT = 0.45  # share of red in a tinted pixel: the roof under it must stay a roof


def object_views(png: bytes, box: Box) -> tuple[bytes, bytes]:
    """The scene with a red box around the object, and a close-up of it.

    Args:
        png: the scene's image, in any form that Pillow reads.
        box: the object's, inside the image.

    Returns:
        Two RGB images as PNG bytes, the same for the same arguments under the same version of Pillow: the first as
        large as the scene, the second of the box and half of its longer side around it; neither longer than 1024
        pixels.

    Raises:
        HubpubError: HP-D03, the image cannot be read, or the box reaches outside; HP-E01, no Pillow.
    """
    picture = _opened(png, (box,))
    return _png(_boxed(picture, box)), _png(_close_up(picture, box))


def group_views(png: bytes, members: Sequence[Box], mask: bytes | None = None) -> tuple[bytes, bytes]:
    """The scene with the group tinted red, and the scene as it is.

    Args:
        png: the scene's image, in any form that Pillow reads.
        members: the boxes of the group's objects, inside the image; they are tinted where there is no mask.
        mask: one byte a pixel, row by row from the top left; 0 = not of the group.

    Returns:
        Two RGB images as large as the scene, at most 1024 pixels long, as PNG bytes.

    Raises:
        HubpubError: HP-D03, the image cannot be read, the mask has another size, or a box reaches outside; HP-E01,
            no Pillow.
    """
    picture = _opened(png, members)
    pil = installed("PIL.Image")
    if mask is None:
        inside = pil.new("L", picture.size, 0)
        for box in members:
            inside.paste(255, (box.xmin, box.ymin, box.xmax, box.ymax))
    elif len(mask) != picture.width * picture.height:
        raise _malformed(f"a mask has {len(mask)} pixels, its image {picture.width}x{picture.height}")
    else:
        inside = pil.frombytes("L", picture.size, mask).point([0] + [255] * 255)
    tinted = pil.blend(picture, pil.new("RGB", picture.size, _RED), _TINT)
    return _png(pil.composite(tinted, picture, inside)), _png(picture)


def _opened(png: bytes, boxes: Sequence[Box]) -> Picture:
    try:
        picture: Picture = decoded(png).convert("RGB")
    except ValueError as fault:
        raise _malformed(f"an image {fault}") from fault
    for box in boxes:
        if not (0 <= box.xmin < box.xmax <= picture.width and 0 <= box.ymin < box.ymax <= picture.height):
            raise _malformed(f"a box reaches outside the image of {picture.width}x{picture.height}: {box}")
    return picture


def _boxed(picture: Picture, box: Box) -> Picture:
    line = max(2, round(min(picture.size) / _LINE))
    # Around the object, not over its edge; at the image's edge the line moves in, or it would not be seen.
    edges = (
        max(box.xmin - line, 0),
        max(box.ymin - line, 0),
        min(box.xmax + line, picture.width) - 1,
        min(box.ymax + line, picture.height) - 1,
    )
    marked = picture.copy()
    installed("PIL.ImageDraw").Draw(marked).rectangle(edges, outline=_RED, width=line)
    return marked


def _close_up(picture: Picture, box: Box) -> Picture:
    margin = max(_LEAST_MARGIN, round(_MARGIN * max(box.xmax - box.xmin, box.ymax - box.ymin)))
    cut = picture.crop(
        (
            max(box.xmin - margin, 0),
            max(box.ymin - margin, 0),
            min(box.xmax + margin, picture.width),
            min(box.ymax + margin, picture.height),
        )
    )
    return _resized(cut, max(_CLOSE_UP, max(cut.size)))


def _resized(picture: Picture, longer_side: int) -> Picture:
    scale = longer_side / max(picture.size)
    if scale == 1:
        return picture
    size = (max(round(picture.width * scale), 1), max(round(picture.height * scale), 1))
    return picture.resize(size, installed("PIL.Image").Resampling.LANCZOS)


def _png(picture: Picture) -> bytes:
    stored = io.BytesIO()
    _resized(picture, min(_LONGEST, max(picture.size))).save(stored, format="PNG", compress_level=6)
    return stored.getvalue()


def _malformed(what: str) -> HubpubError:
    return HubpubError("HP-D03", what, hint="mend or leave out this scene, then build the dataset again")
