"""META024 tags: `tags` holds something twice, something that is no text, or a path.

Why   tags are search filters. Trainers that were given a local folder write `base_model:adapter:/mnt/...`, which
      tells strangers how a disk is laid out and links nothing.
Fix   delete the tag; the Hub makes `base_model:` tags itself, from the key `base_model`.

Bad
    README.md:
        ---
        license: mit
        tags:
        - lora
        - base_model:adapter:/mnt/models/gemma ←
        - lora ←
        ---
Bad
    README.md:
        ---
        license: mit
        tags: [lora, peft, lora] ←
        ---
Bad
    README.md:
        ---
        license: mit
        tags: [lora, lora, {a: b}] ←
        ---
Good
    README.md:
        ---
        license: mit
        tags: [lora, base_model:adapter:google/gemma-3-4b-it, 3d]
        ---
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from publisher.checks.known.hub_ids import why_no_id
from publisher.checks.observe.frontmatter import Value
from publisher.checks.observe.readme import README, Metadata, Readme
from publisher.checks.quoting import quote
from publisher.checks.rule import Edit, Fault, rule
from publisher.records.findings import Severity

_BASE = "base_model:"


@rule(Severity.WARNING, fixable=True)
def tags(card: Metadata, readme: Readme) -> Iterator[Fault]:
    """Report repeated tags, tags that are lists or mappings, and base_model tags without an id."""
    value = card.get("tags")
    if value is None:
        return
    seen: set[str] = set()
    for item in value.items if isinstance(value.items, tuple) and value.items else (value,):
        if isinstance(item.data, dict | list):
            yield Fault("a tag that is no text", README, item.line, item.column, hint="one text a tag")
            continue
        tag = item.raw or str(item.data)
        why = why_no_id(tag.rpartition(":")[2]) if tag.startswith(_BASE) else None
        if tag in seen:
            why = "stands here twice"
        seen.add(tag)
        if why is not None:
            yield Fault(
                f"the tag {quote(tag)} {why}",
                README,
                item.line,
                item.column,
                hint="delete it",
                edit=_deletion(readme.lines[item.line - 1], item) if item is not value else None,
            )


def _deletion(line: str, item: Value) -> Edit | None:
    """Take one item out of a list: its whole line, or with the comma before it, or behind it; None where it is neither."""
    start = item.column - 1
    written = re.compile(rf"([\"']?){re.escape(item.raw)}\1").match(line, start)
    if written is None:
        return None
    if line.strip() == f"- {written[0]}":
        return Edit(README, item.line, "", before=line.strip(), drop=True)
    comma = re.compile(r",\s*$").search(line, 0, start)
    behind = re.compile(r"\s*,\s*").match(line, written.end())
    if comma is not None:
        return Edit(README, item.line, "", comma.start() + 1, line[comma.start() : written.end()])
    if behind is not None and line[:start].endswith("["):
        return Edit(README, item.line, "", start + 1, line[start : behind.end()])
    return None
