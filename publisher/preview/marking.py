"""Where a card's numbers end up in its HTML: marks go into the Markdown, and come out as spans around text.

The marks are those of the rendering (`publisher.card.marks`): one private character in front of a number and one
behind it. Markdown carries them along like letters. They become elements only after sanitising, around text and never
inside a tag, so a span is well-formed whatever became of the tree.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape
from itertools import islice

from publisher.card.marks import CLOSE, FIRST, MARK
from publisher.card.numbers import UNACCOUNTED
from publisher.card.trace import Span

MOST = 5_000  # numbers of one card that are explained; more are a table that nobody reads
TAG = re.compile(r'<[^<>"]*(?:"[^"]*"[^<>"]*)*>')
PIECE = re.compile(
    rf"(?P<tag>{TAG.pattern})|(?P<mark>{MARK.pattern})|(?P<entity>&\w+;|&#\w+;)|(?P<text>[^<&\U00100000-\U0010ffff]+|.)",
    re.DOTALL,
)
AT_LINE_START = re.compile(r"[ \t>*+-]*\Z")


def worth_showing(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Those with evidence, and those that lack it; names, dates and code need no explanation."""
    worthy = (span for span in spans if span.fact or span.stated or span.reason == UNACCOUNTED)
    return tuple(islice(worthy, MOST))


def mark(text: str, spans: Sequence[Span], start: int = 0, *, line_starts: bool = True) -> str:
    """Put marks around spans; those that a stranger wrote are left out.

    Args:
        text: a whole card, as the offsets of its spans count.
        spans: in order, none inside another; the n-th gets mark n.
        start: in bytes; what stands before is left out.
        line_starts: whether also where a line begins, which can keep Markdown from seeing a list there.
    """
    raw = text.encode()
    pieces: list[str] = []
    at = start
    for number, span in enumerate(spans):
        if span.start < start:
            continue
        inside = unmarked(raw[span.start : span.end].decode())
        line = raw[raw.rfind(b"\n", 0, span.start) + 1 : span.start].decode()
        skipped = not line_starts and AT_LINE_START.match(line)
        pieces += [
            unmarked(raw[at : span.start].decode()),
            inside if skipped else f"{chr(FIRST + number)}{inside}{CLOSE}",
        ]
        at = span.end
    return "".join([*pieces, unmarked(raw[at:].decode())])


def unmarked(text: str) -> str:
    """A text without marks, those of a hostile card included."""
    return MARK.sub("", text)


def carried(marked: str, html: str) -> str:
    """Put the marks of a text into HTML that was made from it without them, such as highlighted code.

    Args:
        marked: the text with its marks.
        html: the same text without them, with tags and entities.
    """
    places: list[tuple[int, str]] = []
    length = 0
    for piece in re.split(f"({MARK.pattern})", marked):
        if MARK.fullmatch(piece):
            places.append((length, piece))
        else:
            length += len(piece)
    made: list[str] = []
    at = 0
    for match in PIECE.finditer(html):
        whole = match.group()
        if match["tag"]:
            made.append(whole)
            continue
        step = 1 if match["entity"] else len(whole)
        start = at
        at += step
        cut = 0
        while places and places[0][0] < at:
            offset, sign = places.pop(0)
            made += [whole[cut : offset - start], sign]
            cut = offset - start
        made.append(whole[cut:])
    return "".join([*made, *(sign for _, sign in places)])


def with_spans(html: str, spans: Sequence[Span]) -> str:
    """Turn marks into elements: `<span class="number" data-span="3">`, the first of each with a place in the tab order."""
    made: list[str] = []
    open_span: int | None = None
    seen: set[int] = set()
    for match in PIECE.finditer(html):
        whole = match.group()
        if match["mark"]:
            number = ord(whole) - FIRST
            open_span = number if whole != CLOSE and number < len(spans) else None
        elif match["tag"] or open_span is None or not whole.strip():
            made.append(whole)
        else:
            made.append(_opening(open_span, spans[open_span], open_span not in seen) + whole + "</span>")
            seen.add(open_span)
    return "".join(made)


def _opening(number: int, span: Span, first: bool) -> str:
    account = span.fact or span.stated
    kind = "fact" if span.fact else "stated" if span.stated else "unaccounted"
    title = account or "without evidence"
    focus = ' tabindex="0" role="button"' if first else ""
    return f'<span class="number {kind}" data-span="{number}"{focus} title="{escape(title)}">'
