"""Shell commands in a card, word by word. Nothing of them is run."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

_FLAG = re.compile(r"--?[A-Za-z][\w-]{0,60}")


@dataclass(frozen=True)
class Command:
    """One shell command; a line that ends in a backslash goes on. `lines` holds the line of each word."""

    words: tuple[str, ...]
    lines: tuple[int, ...]

    @property
    def script(self) -> str | None:
        """The Python file that the command runs."""
        if not self.words or self.words[0] not in (
            "python",
            "python3",
            "torchrun",
            "accelerate",
            "deepspeed",
        ):
            return None
        return next((word for word in self.words[1:] if word.endswith(".py")), None)

    def options(self) -> Iterator[tuple[str, str, int]]:
        """Every option with its value (empty for a switch) and its line."""
        for index, word in enumerate(self.words):
            if not word.startswith("-") or not _FLAG.match(word):
                continue
            name, equals, value = word.partition("=")
            following = self.words[index + 1] if index + 1 < len(self.words) else ""
            yield name, value if equals else "" if following.startswith("-") else following, self.lines[index]


def commands_of(block: str, first: int) -> Iterator[Command]:
    """The commands of a block of shell code whose first line is the card's line `first`."""
    words: list[str] = []
    lines: list[int] = []
    for number, text in enumerate(block.split("\n"), start=first):
        line = text.strip().removeprefix("$ ")
        if line.startswith("#"):
            continue
        goes_on = line.endswith("\\")
        try:
            split = shlex.split(line.removesuffix("\\"), comments=True) if len(line) < 5000 else []
        except ValueError:  # a quotation that goes on in the next line
            split = line.removesuffix("\\").split()
        words += split
        lines += [number] * len(split)
        if not goes_on:
            if words:
                yield Command(tuple(words), tuple(lines))
            words, lines = [], []
    if words:
        yield Command(tuple(words), tuple(lines))
