"""The image files of a dataset, by their first and last bytes."""

from __future__ import annotations

from dataclasses import dataclass

from publisher.checks.observe.depth import Depth
from publisher.checks.observe.files import Files, RepoKind
from publisher.checks.observe.pictures import HEAD_BYTES, IMAGE_SUFFIXES, Picture, look
from publisher.checks.observe.target import Absent, RepoView

SAMPLE_FILES = 200  # that are opened without --deep
_END_BYTES = 64 * 1024  # some programs write behind an image's end


@dataclass(frozen=True)
class ImageFiles:
    """Images that will not open, by path, and those that tell a place; `looked_at` of `there` were opened."""

    broken: tuple[tuple[str, Picture], ...]
    placed: tuple[str, ...]
    looked_at: int
    there: int

    @classmethod
    def observe(cls, view: RepoView) -> ImageFiles | Absent:
        """Of a dataset whose files lie here."""
        files, depth = view.observe(Files), view.observe(Depth)
        if isinstance(files, Absent):
            return files
        if view.observe(RepoKind) is not RepoKind.DATASET:
            return Absent("no dataset", missing=True)
        entries = [each for each in files if each.readable and each.path.casefold().endswith(IMAGE_SUFFIXES)]
        if entries and not view.source.near:
            return Absent("a check downloads no data, so nobody looked at the images")
        deep = not isinstance(depth, Absent) and depth.everything
        chosen = entries if deep else entries[:SAMPLE_FILES]
        broken, placed = [], []
        for entry in chosen:
            try:
                head = view.source.read(entry.path, limit=HEAD_BYTES)
                whole = len(head) == entry.size
                end = (
                    b""
                    if whole
                    else view.source.read(entry.path, start=entry.size - _END_BYTES, limit=_END_BYTES)
                )
            except OSError:
                continue  # another rule's matter
            picture = look(head, whole=whole, last=end)
            if picture.fault:
                broken.append((entry.path, picture))
            if picture.place:
                placed.append(entry.path)
        return cls(tuple(broken), tuple(placed), len(chosen), len(entries))
