"""What a live preview shows now: rendered when somebody looks, and again after something was saved."""

from __future__ import annotations

import base64
import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from publisher.card.templates import built_in_folder
from publisher.checks.source import Source
from publisher.errors import HubpubError
from publisher.preview.html import in_address
from publisher.preview.page import Card, Page, page_of
from publisher.preview.site import Excerpt, Trouble

AROUND = 3  # lines shown before and after the one with a fault
PLACE = re.compile(r"(?P<path>.+?):(?P<line>\d+)(?::\d+)?")
IMAGES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
}
IMAGE_BYTES = 20_000_000  # larger ones stay out: a page must still open
Gather = Callable[[], Sequence[Card]]


@dataclass(frozen=True)
class Shown:
    """The cards as they are, or as they were before what is wrong now."""

    cards: Sequence[Card]
    troubles: Sequence[Trouble] = ()
    version: int = 0


class Live:
    """The state that all pages share. `version` grows with everything that was saved."""

    def __init__(self, gather: Gather, root: Path) -> None:
        self._gather = gather
        self._root = root
        self._lock = threading.Lock()
        self._shown: Shown | None = None
        self._before = Shown(())
        self.version = 0

    def changed(self) -> None:
        """Something was saved: what is shown next is rendered anew."""
        with self._lock:
            self.version += 1
            self._before = self._shown or self._before
            self._shown = None

    def shown(self) -> Shown:
        """The cards, and what is wrong."""
        with self._lock:
            if self._shown is None:
                self._shown = self._render()
            return self._shown

    def page(self, tab: str, shown: Shown) -> Page | None:
        """One page in full; None where there is no such tab."""
        card = next((card for card in shown.cards if card.tab == tab), None)
        return page_of(card, shown.cards, served_files(card)) if card else None

    def _render(self) -> Shown:
        try:
            return Shown(self._gather(), version=self.version)
        except HubpubError as error:
            troubles = [Trouble(one, self._excerpt(one.where)) for one in error.data.get("all", [error])]
            return Shown(self._before.cards, troubles, self.version)

    def _excerpt(self, where: str | None) -> Excerpt | None:
        """The lines that an error names, if they are of the project or of a built-in template."""
        match = PLACE.fullmatch(where or "")
        if match is None:
            return None
        file = (self._root / match["path"]).resolve()
        if not any(file.is_relative_to(folder.resolve()) for folder in (self._root, built_in_folder())):
            return None
        try:
            lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return None
        at = int(match["line"])
        first = max(1, at - AROUND)
        return Excerpt(tuple(enumerate(lines[first - 1 : at + AROUND], start=first)), at)


def served_files(card: Card) -> Callable[[str], str | None]:
    """Where a served page finds the files that lie beside a card."""
    there = {entry.path for entry in card.source.entries() if entry.readable}
    return lambda path: f"/files/{card.tab}/{in_address(path)}" if path in there else None


def inline_files(card: Card) -> Callable[[str], str | None]:
    """The images that lie beside a card, as addresses that hold them."""

    def locate(path: str) -> str | None:
        kind = IMAGES.get(Path(path).suffix.lower())
        content = read_file(card.source, path, IMAGE_BYTES) if kind else None
        return f"data:{kind};base64,{base64.b64encode(content).decode()}" if content else None

    return locate


def read_file(source: Source, path: str, limit: int) -> bytes | None:
    """A file beside a card; None where there is none, or one that is larger than the limit."""
    entry = next((entry for entry in source.entries() if entry.path == path and entry.readable), None)
    if entry is None or entry.size > limit:
        return None
    try:
        return source.read(path)
    except (OSError, HubpubError):
        return None
