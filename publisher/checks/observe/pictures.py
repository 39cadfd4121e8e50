"""What the bytes of an image say before anyone decodes it: format, size, whether it is whole, whether it tells a place.

PNG, JPEG, GIF, WebP, BMP and TIFF are known by their first bytes; of another format nothing is said.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".gif", ".webp", ".bmp", ".tif", ".tiff")
HEAD_BYTES = 256 * 1024  # EXIF and the size stand in here, but for the odd thumbnail
_PNG, _RIFF = b"\x89PNG\r\n\x1a\n", b"RIFF"
_GPS, _LATITUDE, _LONGITUDE = 0x8825, 2, 4
_MOST_TAGS = 500
_NO_FRAME = (0xC4, 0xC8, 0xCC)  # JPEG segments among the SOF numbers that are none
_TEXTS = (b"version https://git-lfs", b"<!doctype", b"<html", b"{", b"<?xml")


@dataclass(frozen=True)
class Picture:
    """An image as far as it was looked at.

    Attributes:
        fault: why it will not open; empty where nothing speaks against it.
        size: width and height in pixels; None where they are not told.
        place: its EXIF holds a position on the earth.
    """

    fault: str = ""
    size: tuple[int, int] | None = None
    place: bool = False


def look(raw: bytes, *, whole: bool = True, last: bytes | None = None) -> Picture:
    """Look at an image's bytes.

    Args:
        raw: all of them, or the first.
        whole: whether they are all.
        last: the file's last bytes, where `raw` is not whole.
    """
    if not raw:
        return Picture("it is empty")
    end = raw if whole else last
    try:
        if raw.startswith(_PNG):
            return _png(raw, end)
        if raw.startswith(b"\xff\xd8\xff"):
            return _jpeg(raw, whole=whole)
        if raw[:6] in (b"GIF87a", b"GIF89a"):
            return Picture(size=struct.unpack_from("<HH", raw, 6))
        if raw[:4] == _RIFF and raw[8:12] == b"WEBP":
            claimed = int.from_bytes(raw[4:8], "little") + 8
            return Picture("it is cut short" if whole and claimed > len(raw) + 1 else "")
        if raw[:4] in (b"II*\0", b"MM\0*"):
            return Picture(place=_tells_place(raw))
    except (struct.error, IndexError):
        return Picture("it is cut short" if whole else "")
    text = raw[:64].lstrip().lower()
    return Picture("it is text, not an image") if text.startswith(_TEXTS) else Picture()


def _png(raw: bytes, end: bytes | None) -> Picture:
    size = struct.unpack_from(">II", raw, 16)
    if raw[12:16] != b"IHDR" or 0 in size:
        return Picture("its header is damaged")
    if end is not None and b"IEND" not in end:
        return Picture("it is cut short", size)
    at = raw.find(b"eXIf", 0, HEAD_BYTES)
    return Picture("", size, at != -1 and _tells_place(raw[at + 4 : at + HEAD_BYTES]))


def _jpeg(raw: bytes, *, whole: bool) -> Picture:
    """Walk the segments up to the frame; a reader needs nothing behind it to tell the size."""
    at, place = 2, False
    while at + 4 <= len(raw):
        if raw[at] != 0xFF:
            return Picture("its header is damaged")
        marker = raw[at + 1]
        if marker == 0xFF:  # fill
            at += 1
            continue
        if marker in (0xD8, 0x01) or 0xD0 <= marker <= 0xD7:
            at += 2
            continue
        length = int.from_bytes(raw[at + 2 : at + 4], "big")
        if length < 2 or marker in (0xD9, 0xDA):
            return Picture("its header is damaged", None, place)
        if marker == 0xE1 and raw[at + 4 : at + 10] == b"Exif\0\0":
            place = place or _tells_place(raw[at + 10 : at + 2 + length])
        if 0xC0 <= marker <= 0xCF and marker not in _NO_FRAME:
            height, width = struct.unpack_from(">HH", raw, at + 5)
            return Picture(
                "" if width else "its header is damaged", (width, height) if height else None, place
            )
        at += 2 + length
    return Picture("it is cut short" if whole else "", None, place)


def _tells_place(tiff: bytes) -> bool:
    """Whether the first directory of a TIFF block points to positions: latitude and longitude that are not all zero."""
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None:
        return False
    try:
        pointer = _tags(tiff, struct.unpack_from(f"{order}I", tiff, 4)[0], order).get(_GPS)
        if pointer is None:
            return False
        tags = _tags(tiff, struct.unpack_from(f"{order}I", pointer)[0], order)
        return all(_three_numbers(tiff, tags.get(tag), order) for tag in (_LATITUDE, _LONGITUDE))
    except (struct.error, IndexError):
        return False


def _tags(tiff: bytes, at: int, order: str) -> dict[int, bytes]:
    """A directory's tags with the four bytes of their values."""
    count = struct.unpack_from(f"{order}H", tiff, at)[0]
    found = {}
    for index in range(min(count, _MOST_TAGS)):
        start = at + 2 + 12 * index
        found[struct.unpack_from(f"{order}H", tiff, start)[0]] = tiff[start + 8 : start + 12]
    return found


def _three_numbers(tiff: bytes, pointer: bytes | None, order: str) -> bool:
    """Degrees, minutes and seconds as fractions; cameras without a fix write zeros."""
    if pointer is None:
        return False
    at = struct.unpack_from(f"{order}I", pointer)[0]
    numbers = struct.unpack_from(f"{order}6I", tiff, at)
    return any(numbers[::2])
