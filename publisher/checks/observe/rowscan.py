"""One pass over a dataset's rows for all rules that judge rows: what each of them asks, asked of every row once.

Of what is found a count is kept and the first place; no row is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from publisher.checks.observe import boxes, dialogues, flawed
from publisher.checks.observe.cell_texts import MOST_ITEMS, texts_of
from publisher.checks.observe.datafiles import METADATA, SplitFiles
from publisher.checks.observe.duplicates import Copies, DuplicateFinder
from publisher.checks.observe.files import Files
from publisher.checks.observe.footers import Footers
from publisher.checks.observe.personal import find_personal
from publisher.checks.observe.pictures import IMAGE_SUFFIXES, look
from publisher.checks.observe.readme import Metadata
from publisher.checks.observe.schema import class_labels, declared_info
from publisher.checks.observe.scripts_written import count_scripts
from publisher.checks.observe.tablerows import Placed, Reading, TableRows
from publisher.checks.observe.target import Absent, RepoView

_MOST_LETTERS = 2_000_000  # that are counted by script
_MOST_KINDS = 1000  # of findings that are kept apart


@dataclass(frozen=True)
class Seen:
    """One kind of fault in one column of one split.

    Attributes:
        what: the fault.
        column: empty where it is of the whole row.
        count: rows that have it.
        of: rows of the split that were read.
        path: the file of the first.
        row: its number in there, from 1.
        line: its line, where rows are lines.
    """

    what: str
    column: str
    count: int
    of: int
    path: str
    row: int
    line: int | None


@dataclass(frozen=True)
class RowScan:
    """What all rows together tell, in the order in which it was found.

    Attributes:
        copies: rows that stand there twice.
        rows_of: rows of each split that were read.
        flawed: rows that are no data.
        dialogues: conversations that are unsound.
        boxes: rows of AerialD's schema that cannot be true.
        personal: personal data, by kind.
        images: images that will not open.
        letters: letters of each script in the texts.
        left_out: why not every row was seen, reason by reason.
        crowded: duplicates were looked for among the first rows only.
    """

    copies: tuple[Copies, ...]
    rows_of: Mapping[SplitFiles, int]
    flawed: tuple[Seen, ...]
    dialogues: tuple[Seen, ...]
    boxes: tuple[Seen, ...]
    personal: tuple[Seen, ...]
    images: tuple[Seen, ...]
    letters: Mapping[str, int]
    left_out: tuple[str, ...]
    crowded: bool

    @classmethod
    def observe(cls, view: RepoView) -> RowScan | Absent:
        """Read the rows, or a sample of them."""
        rows, footers, card = view.observe(TableRows), view.observe(Footers), view.observe(Metadata)
        files = view.observe(Files)
        if isinstance(rows, Absent):
            return rows
        if isinstance(files, Absent):
            return files
        scan = _Scan(
            files,
            None if isinstance(footers, Absent) else footers,
            None if isinstance(card, Absent) else card,
        )
        reading = Reading()
        for placed in rows.each(reading):
            scan.see(placed)
        return cls(
            copies=scan.duplicates.copies,
            rows_of=dict(scan.duplicates.rows),
            flawed=scan.found("flawed"),
            dialogues=scan.found("dialogues"),
            boxes=scan.found("boxes"),
            personal=scan.found("personal"),
            images=scan.found("images"),
            letters=dict(scan.letters),
            left_out=reading.left_out,
            crowded=scan.duplicates.full,
        )


class _Scan:
    """Sees rows one by one."""

    def __init__(self, files: Files, footers: Footers | None, card: Metadata | None) -> None:
        self._files, self._footers, self._card = files, footers, card
        self._packed = bool(files.ending(".zip", ".tar", ".gz", ".7z"))
        self.duplicates = DuplicateFinder()
        self.letters: Counter[str] = Counter()
        self._counts: Counter[tuple[str, str, str, str, str]] = Counter()  # kind, what, column, config, split
        self._firsts: dict[tuple[str, str, str, str, str], tuple[str, int, int | None]] = {}
        self._rows: Counter[tuple[str, str]] = Counter()
        self._labels: dict[str, Mapping[str, tuple[str, ...]]] = {}

    def see(self, placed: Placed) -> None:
        self._rows[placed.split.config, placed.split.split] += 1
        self.duplicates.see(placed)
        for column, what in flawed.flaws(placed.row, self._labels_of(placed)):
            self._note("flawed", what, column, placed)
        for column in dialogues.COLUMNS:
            unsound = dialogues.flaw(placed.row.get(column))
            if unsound is not None:
                self._note("dialogues", unsound, column, placed)
        for what in boxes.flaws(placed.row):
            self._note("boxes", what, "", placed)
        for column, value in placed.row.items():
            self._see_value(column, value, placed)

    def found(self, kind: str) -> tuple[Seen, ...]:
        return tuple(
            Seen(key[1], key[2], count, self._rows[key[3], key[4]], *self._firsts[key])
            for key, count in self._counts.items()
            if key[0] == kind
        )

    def _see_value(self, column: str, value: Any, placed: Placed) -> None:
        for what in {kind for text in texts_of(value) for kind in self._see_text(text)}:
            self._note("personal", what, column, placed)
        for raw in _images(value):
            picture = look(raw)
            if picture.fault:
                self._note("images", picture.fault, column, placed)
            if picture.place:
                self._note("personal", "position in EXIF", column, placed)
        if column == "file_name" and isinstance(value, str) and value and self._is_lost(value, placed.path):
            self._note("images", "there is no such file", column, placed)

    def _is_lost(self, name: str, path: str) -> bool:
        """Whether a folder of images lacks a file that its `metadata.jsonl` names; archives may hold it."""
        if self._packed or not path.endswith(METADATA):
            return False
        folder = path.rpartition("/")[0]
        return f"{folder}/{name.replace(chr(92), '/').removeprefix('./')}".strip("/") not in self._files

    def _see_text(self, text: str) -> set[str]:
        if self.letters.total() < _MOST_LETTERS:
            self.letters += count_scripts(text[:10_000])
        return set(find_personal(text))

    def _note(self, kind: str, what: str, column: str, placed: Placed) -> None:
        key = (kind, what, column, placed.split.config, placed.split.split)
        if key in self._firsts or len(self._firsts) < _MOST_KINDS:
            self._counts[key] += 1
            self._firsts.setdefault(key, (placed.path, placed.number, placed.line))

    def _labels_of(self, placed: Placed) -> Mapping[str, tuple[str, ...]]:
        """The class labels of a file's columns: as the file says, else as the card declares them."""
        if placed.path not in self._labels:
            footer = (
                None
                if self._footers is None or not placed.path.endswith(".parquet")
                else self._footers.of(placed.path)
            )
            found = (
                {} if footer is None or isinstance(footer, Absent) else class_labels(footer.features or {})
            )
            for info in () if found or self._card is None else declared_info(self._card):
                if info.config in (placed.split.config, None, "default"):
                    found |= {feature.name: feature.labels for feature in info.features if feature.labels}
            self._labels[placed.path] = found
        return self._labels[placed.path]


def _images(value: Any) -> Iterator[bytes]:
    """The images of a cell, as `datasets` stores them: `{"bytes": …, "path": …}`, one or a list."""
    for item in value[:MOST_ITEMS] if isinstance(value, list) else (value,):
        if isinstance(item, dict) and isinstance(item.get("bytes"), bytes):
            path = item.get("path")
            named = isinstance(path, str) and path.casefold().endswith(IMAGE_SUFFIXES)
            if named or look(item["bytes"]).size is not None:
                yield item["bytes"]
