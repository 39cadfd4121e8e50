"""Old findings of an old repo: written down once, so that from then on only new ones are shown.

A finding is known again by its code, its file and the text of its line, so it may move up and down; where the line has
no words, or there is none, by its message. The same finding twice in a file counts twice: a third one is new.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from typing import NamedTuple

from publisher.checks.lines import Lines
from publisher.checks.report import Locate
from publisher.errors import HubpubError
from publisher.records.findings import Finding, Report

SCHEMA = "hubpub/baseline/1"
_TYPES = (("path", str), ("code", str), ("fingerprint", str), ("count", int), ("message", str))
_LINE_NUMBERS = re.compile(r"\b(lines?) \d+(?:(?:, | and | to )\d+)*|\b\d+ more lines?")


class Key(NamedTuple):
    """What a finding is known again by. `path` is the file's, from where the baseline lies."""

    path: str
    code: str
    fingerprint: str


@dataclass(frozen=True, order=True)
class Entry:
    """A finding that is known. The message is for people who read the file."""

    path: str
    code: str
    fingerprint: str
    count: int
    message: str

    @property
    def key(self) -> Key:
        """Without how often and in which words."""
        return Key(self.path, self.code, self.fingerprint)


@dataclass(frozen=True)
class Baseline:
    """The findings of one file of them."""

    entries: tuple[Entry, ...]

    @classmethod
    def parse(cls, text: str, where: str) -> Baseline:
        """Read a baseline.

        Raises:
            HubpubError: HP-M09, the text is none.
        """
        try:
            data = json.loads(text)
            if data["schema"] != SCHEMA:
                raise ValueError
            entries = [Entry(**entry) for entry in data["findings"]]
            if not all(type(getattr(entry, name)) is kind for entry in entries for name, kind in _TYPES):
                raise TypeError
            return cls(tuple(sorted(entries)))
        except (ValueError, TypeError, KeyError, RecursionError):
            raise HubpubError(
                "HP-M09",
                f"{where} is no baseline of hubpub check",
                where=where,
                hint="give another file's name: where there is no file, one is written",
            ) from None

    def text(self) -> str:
        """As it is kept: sorted, a finding a line, so that changes of it can be read."""
        lines = [json.dumps(asdict(entry), ensure_ascii=False) for entry in sorted(self.entries)]
        listed = ",\n".join(f"  {line}" for line in lines)
        return f'{{"schema": "{SCHEMA}",\n "findings": [\n{listed}\n]}}\n'

    def left_out_of(self, report: Report, keys: tuple[Key, ...]) -> Report:
        """A report without what is known. `keys`: of its findings, in their order."""
        left = Counter({entry.key: entry.count for entry in self.entries})
        new: list[Finding] = []
        for finding, key in zip(report.findings, keys, strict=True):
            if left[key] > 0:
                left[key] -= 1
            else:
                new.append(finding)
        return replace(report, findings=tuple(new), baselined=len(report.findings) - len(new))

    def gone(self, found: Iterable[Key], judged: Callable[[Entry], bool]) -> tuple[Entry, ...]:
        """Entries that are not found any more, or not so often. `judged`: whether their rule looked at their file."""
        counts = Counter(found)
        return tuple(
            replace(entry, count=entry.count - counts[entry.key])
            for entry in self.entries
            if judged(entry) and counts[entry.key] < entry.count
        )


def keys_of(report: Report, lines: Lines, locate: Locate) -> tuple[Key, ...]:
    """What each finding is known again by."""
    return tuple(
        Key(locate(finding.path), finding.code, fingerprint(finding, lines)) for finding in report.findings
    )


def fingerprint(finding: Finding, lines: Lines) -> str:
    """Sixteen hex digits that stay when lines above come and go."""
    line = lines.of(finding.path, finding.line)
    words = " ".join((line or "").split())
    if not any(character.isalnum() for character in words):
        words = _LINE_NUMBERS.sub(r"\1", finding.message)
    return hashlib.sha256(f"{finding.code}\0{words}".encode()).hexdigest()[:16]


def entries_of(report: Report, keys: tuple[Key, ...]) -> tuple[Entry, ...]:
    """A report as it is written into a baseline."""
    counts = Counter(keys)
    messages = {
        key: finding.message for finding, key in zip(reversed(report.findings), reversed(keys), strict=True)
    }
    return tuple(Entry(*key, counts[key], messages[key]) for key in counts)
