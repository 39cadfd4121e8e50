"""CARD002 front-matter-place: the front matter is missing, not at the top, not closed, or there are two blocks.

Why   the Hub reads metadata from one block only: the first lines of README.md, between `---` and `---`. Whatever
      stands elsewhere is shown as text, and its licence, tags and base model do not exist.
Fix   one block, at the very top, closed by a line `---`; merge a second block into the first.

Bad
    README.md:
        # A model

        --- ←
        license: mit
        ---
Bad
    README.md:
        --- ←
        license: mit

        # A model
Bad
    README.md:
        ---
        license: mit
        ---
        --- ←
        license: apache-2.0
        tags: [text]
        ---
Bad
    README.md:
        # A model without metadata ←
Good
    README.md:
        ---
        license: mit
        ---
        # A model

        ---
        A horizontal rule is no front matter.
        ---
"""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.known.ids import metadata_keys
from publisher.checks.observe.frontmatter import find_block, looks_like_metadata
from publisher.checks.observe.readme import README, Readme
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity


@rule(Severity.ERROR)
def front_matter_place(readme: Readme) -> Iterator[Fault]:
    """Report a block that the Hub will not see as one."""
    block = readme.block
    if not readme.text.strip():
        return
    if block is not None and block.last is None:
        yield Fault(
            "the front matter is never closed", README, block.first, hint="end it with a line that is ---"
        )
        return
    after = 0 if block is None or block.last is None else block.last
    stray = _stray(readme, after)
    if stray is not None and block is None:
        yield Fault(
            "text stands before the front matter, so the Hub reads no metadata",
            README,
            stray,
            hint="move the block to the first line",
        )
    elif stray is not None:
        yield Fault(
            "a second front-matter block: the Hub shows it as text",
            README,
            stray,
            hint="merge its keys into the first block",
        )
    elif block is None:
        yield Fault(
            "the card has no front matter: no licence, no task, no tags",
            README,
            1,
            hint="begin the card with a block between --- and ---",
            severity=Severity.WARNING,
        )


def _stray(readme: Readme, after: int) -> int | None:
    """The line of a `---` that opens something that reads like metadata, below the first block or without one.

    With a block, only what follows it directly counts: further down, `---` is a horizontal rule in a text that may
    well explain metadata.
    """
    starts = [after] if after else range(len(readme.lines))
    for start in starts:
        if after or (readme.classified[start].kind == "prose" and readme.lines[start].startswith("---")):
            block = find_block(readme.lines, start)
            if (
                block is not None
                and block.last is not None
                and looks_like_metadata(block.text, metadata_keys())
            ):
                return block.first
    return None
