"""A README, merged three ways: as we rendered it last, as we render it now, and as others left it on the Hub.

What others wrote is kept: sections and fields of their own, and words changed in ours. What they changed of a fact or
of code that was proven is not: ours stands, and both sides are shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from publisher.card.body import Body, ProseEdit
from publisher.card.fields import merge_fields
from publisher.card.readme import parse
from publisher.card.sections import code_of, joined, sections
from publisher.card.trace import Rendered
from publisher.records.plans import Edit

LARGEST = 4 << 20  # characters of a README that is still merged


@dataclass(frozen=True)
class Merge:
    """The merged text, what became of each edit, and the edits that belong into prose files."""

    text: str
    edits: tuple[Edit, ...] = ()
    prose: tuple[ProseEdit, ...] = ()


def merge(base: str, ours: Rendered, theirs: str) -> Merge:
    """Merge.

    Args:
        base: what we rendered when we published last.
        ours: what we render now, with its facts and its prose.
        theirs: what stands on the Hub.
    """
    theirs = plain(theirs)
    if theirs in (base, ours.text):
        return Merge(ours.text)
    if len(theirs) > LARGEST:
        return _refused(ours, theirs, "too large to be merged")
    read = [parse(text) for text in (base, ours.text, theirs)]
    if _stray_fence(read[0].body, read[2].body):
        return _refused(ours, theirs, "a code block in it is not closed")
    matter, edits = merge_fields(*read)
    body = Body(ours, *read)
    pieces = body.merged()
    text = matter + joined(pieces)
    if not _within(code_of(ours.text)[0], code_of(text)[0]):
        return _refused(ours, theirs, "it changes code that was proven")
    return Merge(text, (*edits, *body.edits), body.prose())


def plain(text: str) -> str:
    """A text without byte order mark and carriage returns, ending with one line end."""
    bare = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").rstrip("\n")
    return f"{bare}\n" if bare else ""


def _refused(ours: Rendered, theirs: str, why: str) -> Merge:
    return Merge(ours.text, (Edit("the whole README", False, why, "", theirs),))


def _stray_fence(base: str, theirs: str) -> bool:
    """Whether a fence too much or too few has made code of the rest of the page: sections would seem to be gone."""
    blocks, never_closed = code_of(theirs)
    gone = {section.heading for section in sections(base)} - {section.heading for section in sections(theirs)}
    return never_closed or any(line.strip() in gone for block in blocks for line in block.split("\n"))


def _within(some: Sequence[str], more: Sequence[str]) -> bool:
    rest = iter(more)
    return all(block in rest for block in some)
