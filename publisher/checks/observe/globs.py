"""Globs as `datasets` reads them, matched in bounded time: the patterns come from strangers' cards.

A regular expression would take exponential time on `*a*a*a*a*b`; two pointers take path times pattern.
"""

from __future__ import annotations

import re
from functools import cache

MAX_ALTERNATIVES = 64  # of {a,b}{c,d}...; what would be more is matched literally

MAX_LENGTH = (
    1000  # characters of a pattern; no path is longer, and a class is searched for from every bracket
)

_PIECE = re.compile(r"\*|\?|\[[!^]?\]?[^\]]*\]|.", re.DOTALL)
_WILD = re.compile(r"[*?\[]")
_BRACES = re.compile(r"\{([^{}]*)\}")


class Glob:
    """One pattern: `*` and `?` stay inside a folder, `**` does not, `[a-z]` is a class, `{a,b}` a choice.

    Attributes:
        prefixes: whatever is meant begins with one of these, so that a sorted list need not be read whole.
    """

    def __init__(self, pattern: str) -> None:
        choices = _alternatives(pattern[:MAX_LENGTH].removeprefix("./"))
        self.prefixes = tuple(_WILD.split(choice, maxsplit=1)[0].rstrip("/") for choice in choices)
        self._choices = [_segments(choice) for choice in choices]

    def matches(self, path: str) -> bool:
        """Whether a path with forward slashes is meant, itself or by the folder it lies in."""
        parts = path.split("/")
        return any(_match_path(segments, parts) for segments in self._choices)


def _alternatives(pattern: str) -> list[str]:
    done: list[str] = []
    pending = [pattern]
    while pending:
        current = pending.pop()
        braces = _BRACES.search(current)
        if braces is None or len(done) + len(pending) + braces[1].count(",") >= MAX_ALTERNATIVES:
            done.append(current)
        else:
            pending += [
                current[: braces.start()] + choice + current[braces.end() :]
                for choice in braces[1].split(",")
            ]
    return done


def _segments(pattern: str) -> list[str]:
    segments: list[str] = []
    for segment in pattern.rstrip("/").split("/"):
        folded = re.sub(r"\*{2,}", "**", segment)
        if folded != "**" and "**" in folded:  # `data/**.csv` is meant as `data/**/*.csv`
            segments += ["**", folded.replace("**", "*")]
        elif not (folded == "**" and segments and segments[-1] == "**"):
            segments.append(folded)
    return segments


def _match_path(segments: list[str], parts: list[str]) -> bool:
    """Match segment by segment; `reached` holds how many parts the segments so far may have used up."""
    reached = {0}
    for segment in segments:
        if segment == "**":
            reached = set(range(min(reached), len(parts) + 1))
        else:
            reached = {
                count + 1 for count in reached if count < len(parts) and _match_name(segment, parts[count])
            }
        if not reached:
            return False
    # A pattern that names a folder means what lies in it.
    return len(parts) in reached or (segments[-1] != "**" and not any("*" in part for part in segments))


def _match_name(segment: str, name: str) -> bool:
    """The greedy wildcard match: on a failure only the last star is widened."""
    pieces = _pieces(segment)
    at = position = 0
    star: tuple[int, int] | None = None
    while position < len(name):
        if at < len(pieces) and pieces[at] == "*":
            star = (at, position)
            at += 1
        elif at < len(pieces) and _match_one(pieces[at], name[position]):
            at += 1
            position += 1
        elif star is not None:
            star = (star[0], star[1] + 1)
            at, position = star[0] + 1, star[1]
        else:
            return False
    return all(piece == "*" for piece in pieces[at:])


@cache
def _pieces(segment: str) -> tuple[str, ...]:
    return tuple(_PIECE.findall(segment))


def _match_one(piece: str, character: str) -> bool:
    if piece == "?":
        return True
    if len(piece) == 1:
        return piece == character
    inside = piece[1:-1]
    negated = inside.startswith(("!", "^"))
    return _in_class(inside[1:] if negated else inside, character) != negated


def _in_class(inside: str, character: str) -> bool:
    position = 0
    while position < len(inside):
        if position + 2 < len(inside) and inside[position + 1] == "-":
            if inside[position] <= character <= inside[position + 2]:
                return True
            position += 3
        else:
            if inside[position] == character:
                return True
            position += 1
    return False
