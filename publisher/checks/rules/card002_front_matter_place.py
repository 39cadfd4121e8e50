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
        ---
        license: mit
        ---

        --- ←
        tags: [text]
        ---
        # A model
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

import re
from collections.abc import Iterator

from publisher.checks.known.hub_ids import is_hub_id
from publisher.checks.known.ids import metadata_keys
from publisher.checks.observe.claims import Claims
from publisher.checks.observe.frontmatter import (
    Block,
    UnboundedError,
    find_block,
    looks_like_metadata,
    read_yaml,
)
from publisher.checks.observe.readme import README, Readme
from publisher.checks.rule import Edit, Fault, rule
from publisher.records.findings import Severity

_DATASET = re.compile(r"huggingface\.co/datasets/([A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w-]{0,95})")
_MOST_TEXT = 200_000  # characters that are searched


@rule(Severity.ERROR, fixable=True)
def front_matter_place(readme: Readme, claims: Claims) -> Iterator[Fault]:
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
            edit=_joined(readme, block) if block is not None else None,
        )
    elif block is None:
        yield Fault(
            "the card has no front matter: no licence, no task, no tags" + _told(readme, claims),
            README,
            1,
            hint="begin the card with a block between --- and ---",
            severity=Severity.WARNING,
        )


def _told(readme: Readme, claims: Claims) -> str:
    """What stands in the text only, where the Hub does not look for it."""
    bases = [base.text for base in claims.bases_in_text if is_hub_id(base.text)]
    datasets = list(dict.fromkeys(_DATASET.findall(readme.text[:_MOST_TEXT])))
    told = [f"names the base {bases[0]}"] if bases else []
    told += [f"links the dataset {', '.join(datasets[:3])}"] if datasets else []
    return f"; its text {' and '.join(told)}, where the Hub does not look" if told else ""


def _joined(readme: Readme, first: Block) -> Edit | None:
    """Take out the two lines between the blocks; None where a key stands in both, or one cannot be read."""
    last = first.last or 0
    second = find_block(readme.lines, last)
    if second is None:
        return None
    keys, others = _keys(first), _keys(second)
    if not keys or not others or keys & others:
        return None
    between = "".join(f"{line}\n" for line in readme.lines[last - 1 : second.first])
    return Edit(README, last, "", 1, between)


def _keys(block: Block) -> set[str]:
    """The block's keys; empty where it is damaged."""
    try:
        top, faults = read_yaml(block)
    except UnboundedError:
        return set()
    return set(top.items) if top is not None and not faults and isinstance(top.items, dict) else set()


def _stray(readme: Readme, after: int) -> int | None:
    """The line of a `---` that opens something that reads like metadata, below the first block or without one.

    With a block, only what follows it directly counts: further down, `---` is a horizontal rule in a text that may
    well explain metadata.
    """
    starts = [after] if after else range(len(readme.classified))
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
