"""Pictures that others name or bring: found where they may lie, and read to their last pixel before they are passed on."""

from __future__ import annotations

import io
from hashlib import sha256
from pathlib import Path
from typing import Any

from publisher.data.installed import installed


def picture_in(folder: Path, name: str) -> Path:
    """The file that somebody names by its path in a folder.

    Raises:
        ValueError: it lies outside the folder, or there is none; in words that follow the picture's name.
    """
    root = folder.resolve()
    try:
        file = (root / name).resolve()
        is_there = file.is_file()
    except (OSError, ValueError):  # a name that no file can have: too long, or with a NUL in it
        raise ValueError("does not exist") from None
    if not file.is_relative_to(root):
        raise ValueError(f"lies outside the folder {folder.name}")
    if not is_there:
        raise ValueError("does not exist")
    return file


def decoded(data: bytes) -> Any:  # PIL.Image.Image
    """The picture as Pillow reads it, every pixel: what was cut off on its way still has a sound beginning.

    Raises:
        ValueError: it is no image or a damaged one, in words that follow the picture's name.
        HubpubError: HP-E01, no Pillow.
    """
    pil = installed("PIL")
    pictures = installed("PIL.Image")
    try:
        picture = pictures.open(io.BytesIO(data))
        picture.load()
    except pil.UnidentifiedImageError as fault:
        raise ValueError("is no image") from fault
    except Exception as fault:  # Pillow's readers of damaged files raise whatever they stumble over
        raise ValueError(f"is damaged: {fault}") from fault
    return picture


class Inspection:
    """Looks at pictures, at each once however often it comes."""

    def __init__(self) -> None:
        self._sound: set[str] = set()

    def digest(self, data: bytes) -> str:
        """Sha256 of a picture that can be read.

        Raises:
            ValueError: as `decoded`.
        """
        digest = sha256(data).hexdigest()
        if digest not in self._sound:
            decoded(data)
            self._sound.add(digest)
        return digest
