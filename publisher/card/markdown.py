"""Just enough Markdown: where code, links and headings are, and a text without loose ends."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from publisher.card.marks import MARK, balanced, nesting, unmarked

# Marks are invisible to readers, so they must be to these patterns as well.
FENCE = re.compile(r"(?P<indent> {0,3})(?P<fence>`{3,}|~{3,})(?P<info>.*)")
LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")  # what Markdown calls a line; Python splits at more
HEADING = re.compile(r" {0,3}(?P<level>#{1,6})(?:[ \t]+(?P<title>.*?))?(?:[ \t]+#+)?[ \t]*")


@dataclass(frozen=True)
class Line:
    """One line of Markdown: its text with its line end, and what it is."""

    text: str
    in_fence: bool  # part of a fenced code block, the fences included
    is_fence: bool  # opens or closes one
    info: str  # what stands behind the opening fence: a language
    level: int  # of a heading; 0 = none
    title: str


def lines(markdown: str) -> Iterator[Line]:
    """Read Markdown line by line, knowing what is code."""
    fence = info = ""
    for raw in LINE.findall(markdown):
        bare = unmarked(raw).rstrip("\r\n")
        match = FENCE.fullmatch(bare)
        if fence:
            closes = bool(match and not match["info"].strip() and match["fence"].startswith(fence))
            yield Line(raw, True, closes, info, 0, "")
            if closes:
                fence = info = ""
        elif match and not (match["fence"][0] == "`" and "`" in match["info"]):
            fence, info = match["fence"], match["info"].strip()
            yield Line(raw, True, True, info, 0, "")
        else:
            heading = HEADING.fullmatch(bare)
            level = len(heading["level"]) if heading else 0
            yield Line(raw, False, False, "", level, (heading["title"] or "") if heading else "")


def tidy(markdown: str) -> str:
    """Drop headings that nothing follows, and blank lines beyond one; end with one line end.

    Lines that a template wrapped become one line a paragraph, so that a number of another length does not show up
    as a difference in its neighbours. A person's own lines stay as they are.
    """
    kept: list[str] = []
    joinable = False  # the last line kept is running text of a template
    waiting: list[Line] = []  # headings that have nothing under them yet
    blank = True
    depth = 0
    for line in lines(markdown):
        in_prose = depth > 0 or not balanced(line.text)
        depth += nesting(line.text)
        if not line.in_fence and not line.text.strip():
            blank = True
            continue
        if line.level and balanced(line.text):
            waiting = [above for above in waiting if above.level < line.level]
            waiting.append(line)
            blank = True
            continue
        if waiting and RULE.fullmatch(unmarked(line.text).strip()):
            waiting = []
        for heading in waiting:
            kept += ["\n" if kept else "", heading.text]
        running = not in_prose and _runs(line)
        if running and joinable and not waiting and not blank:
            kept[-1] = kept[-1].rstrip() + " "
            kept.append(line.text.lstrip())
        else:
            kept.append("\n" if blank and kept else "")
            kept.append(line.text)
        waiting, blank, joinable = [], False, running
    return "".join(kept).rstrip("\n") + "\n" if kept else ""


RULE = re.compile(r"-{3,}|\*{3,}|_{3,}")
# What begins a line that must stay a line: table, quote, list, HTML, image, rule, indented code.
STANDS_ALONE = re.compile(r"\||>|[-*+] |\d+[.)] |<|!\[|[-*_]{3,}\s*$| {4}|\t")


def _runs(line: Line) -> bool:
    # With its marks: a line that begins with a fact is no numbered list, though it may read `16) …`.
    bare = unmarked(line.text)
    return not (
        line.in_fence or line.level or STANDS_ALONE.match(line.text) or bare.endswith(("  \n", "\\\n"))
    )


def place(prose: str, under: str) -> str:
    """Fit a person's section under our heading: no second copy of it, and its own headings below it.

    Args:
        prose: Markdown as written.
        under: our heading's title, level 2; the prose's headings start at level 3.
    """
    read = list(lines(prose.strip("\n")))
    if read and read[0].level and _same(read[0].title, under):
        read = read[1:]
    levels = [line.level for line in read if line.level]
    shift = max(0, 3 - min(levels)) if levels else 0
    placed = (
        f"{'#' * min(6, line.level + shift)} {line.title}\n" if line.level else line.text for line in read
    )
    return "".join(placed).strip("\n")


@dataclass(frozen=True)
class Stretch:
    """Characters of a card that are no prose, and what they are."""

    start: int
    end: int
    what: str  # code, link, comment


INLINE = re.compile(
    r"(?P<comment><!--)"
    r"|(?P<code>(?<!`)(?P<ticks>`+)(?!`)(?P<inside>.+?)(?<!`)(?P=ticks)(?!`))"
    r"|(?P<target>\]\([^()\s]*(?:\([^()\s]*\)[^()\s]*)*(?:\s+\"[^\"]*\")?\))"
    r"|(?P<auto><(?:https?://|mailto:)[^>\s]+>)"
    r"|(?P<url>https?://[^\s<>\"'`)\]]+)",
    re.DOTALL,
)
ONLY_A_NUMBER = re.compile(r"[\s<>~≈±+-]*\d[\d.,]*\s*%?\s*")


def stretches(markdown: str, offset: int = 0) -> Iterator[Stretch]:
    """Find what is not prose, in order and without overlaps.

    Inline code that holds a number and nothing else is prose: backticks do not make a claim a name.
    """
    start = offset
    prose_start = offset
    for line in lines(markdown):
        if line.in_fence:
            if prose_start < start:
                yield from _inline(markdown[prose_start - offset : start - offset], prose_start)
            yield Stretch(start, start + len(line.text), "code")
            prose_start = start + len(line.text)
        start += len(line.text)
    yield from _inline(markdown[prose_start - offset :], prose_start)


def _inline(prose: str, offset: int) -> Iterator[Stretch]:
    # Behind the last end no comment is looked for: a text of beginnings would be read once for each of them.
    last_comment = prose.rfind("-->")
    position = 0
    while match := INLINE.search(prose, position):
        position = match.end()
        if match["comment"]:
            if position > last_comment:
                continue
            position = prose.index("-->", position) + len("-->")
        elif match["code"] and (ONLY_A_NUMBER.fullmatch(match["inside"]) or "\n\n" in match["inside"]):
            continue
        what = "comment" if match["comment"] else "code" if match["code"] else "link"
        yield Stretch(offset + match.start(), offset + position, what)


def _same(one: str, other: str) -> bool:
    return _bare(one) == _bare(other)


def _bare(title: str) -> str:
    return re.sub(r"[\W_]+", "", MARK.sub("", title)).lower()
