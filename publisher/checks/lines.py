"""The lines that findings stand in: each file is read once, however much is found in it."""

from __future__ import annotations

from publisher.checks.observe.readme import Readme
from publisher.checks.source import Source

_MOST_BYTES = 1024 * 1024  # a file that is larger is not opened again for the sake of one line


class Lines:
    """The lines of a target's files."""

    def __init__(self, source: Source | None) -> None:
        self._source = source
        self._read: dict[str, tuple[str, ...]] = {}

    def of(self, path: str, number: int | None) -> str | None:
        """One line as it stands in the file, counted from 1; None where there is none to be had."""
        if number is None:
            return None
        if path not in self._read:
            self._read[path] = self._lines(path)
        lines = self._read[path]
        return lines[number - 1] if 0 < number <= len(lines) else None

    def _lines(self, path: str) -> tuple[str, ...]:
        if self._source is None:
            return ()
        try:
            return Readme.parse(self._source.read(path, limit=_MOST_BYTES)).lines
        except (OSError, KeyError):
            return ()
