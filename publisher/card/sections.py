"""A card's body as its readers see it: sections under headings, with the code blocks in them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from publisher.card.markdown import lines

DEEPEST = 3  # headings below this level are part of the section that they stand in


@dataclass(frozen=True)
class Section:
    """A heading of level 1 to 3 and what stands under it, up to the next one; or what stands above the first.

    Attributes:
        key: who this is: the titles from the outermost heading on, the card's own title left out, as that may change.
        level: the heading's; 0 above the first one.
        first: where it starts in the body, in lines from 0.
        lines: without their ends and without blank ones at the end.
        blocks: for each line the number of the code block that it is part of, from 1; 0 = none.
        gap: blank lines at the end; None for the last section.
    """

    key: tuple[str, ...]
    level: int
    first: int
    lines: tuple[str, ...]
    blocks: tuple[int, ...]
    gap: int | None

    @property
    def heading(self) -> str:
        """The heading as written; empty above the first one."""
        return self.lines[0].strip() if self.level else ""

    @property
    def text(self) -> str:
        """All lines as one string."""
        return "\n".join(self.lines)

    def inside_code(self, first: int, last: int) -> bool:
        """Whether some of these lines are code, or, where there are none, whether this place is inside a block."""
        if first < last:
            return any(self.blocks[first:last])
        return 0 < first < len(self.blocks) and 0 != self.blocks[first - 1] == self.blocks[first]


def sections(body: str) -> list[Section]:
    """Take a body apart. There always is a first section, if only an empty one."""
    found: list[Section] = []
    seen: Counter[tuple[str, ...]] = Counter()
    titles: list[tuple[int, str]] = []
    own: str | None = None  # the card's title, once it was met
    started, level = 0, 0
    key: tuple[str, ...] = ()
    texts: list[str] = []
    blocks: list[int] = []
    block, inside = 0, False
    for number, line in enumerate(lines(body)):
        if 0 < line.level <= DEEPEST:
            found.append(_section(key, level, started, texts, blocks))
            title = " ".join(line.title.split()).casefold()
            own_title = line.level == 1 and own in (None, title)
            own = title if own_title else own
            titles = [above for above in titles if above[0] < line.level]
            if not own_title:
                titles.append((line.level, title))
            key = ("#",) if own_title else tuple(title for _, title in titles)
            seen[key] += 1
            key = (*key, f"\n{seen[key]}") if seen[key] > 1 else key  # no title has a line end in it
            started, level, texts, blocks = number, line.level, [], []
        if line.is_fence and not inside:
            block += 1
        texts.append(line.text.rstrip("\r\n"))
        blocks.append(block if line.in_fence else 0)
        inside = line.in_fence and not (line.is_fence and inside)
    found.append(_section(key, level, started, texts, blocks))
    found[-1] = replace(found[-1], gap=None)
    return found


def joined(pieces: Sequence[tuple[Sequence[str], int | None]]) -> str:
    """Lines and the blank ones behind them → a body. What was the last section and is not any more gets one."""
    text = ""
    for number, (texts, gap) in enumerate(pieces, start=1):
        blank = 0 if number == len(pieces) else 1 if gap is None else gap
        text += "".join(f"{line}\n" for line in texts) + "\n" * blank
    return text


def code_of(text: str) -> tuple[list[str], bool]:
    """Every code block of a text, fences included, and whether the last one is never closed."""
    found: list[str] = []
    open_block = False
    for line in lines(text):
        if line.is_fence and not open_block:
            found.append("")
        if line.in_fence:
            found[-1] += line.text
        if line.is_fence:
            open_block = not open_block
    return found, open_block


def _section(
    key: tuple[str, ...], level: int, first: int, texts: Sequence[str], blocks: Sequence[int]
) -> Section:
    end = len(texts)
    while end and not texts[end - 1].strip():
        end -= 1
    return Section(key, level, first, tuple(texts[:end]), tuple(blocks[:end]), len(texts) - end)
