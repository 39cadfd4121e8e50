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
        tags: [{a: b}] ←
        ---
Good
    README.md:
        ---
        license: mit
        tags: [lora, base_model:adapter:google/gemma-3-4b-it, 3d]
        ---
"""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.known.hub_ids import why_no_id
from publisher.checks.observe.readme import README, Metadata
from publisher.checks.quoting import quote
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity

_BASE = "base_model:"


@rule(Severity.WARNING)
def tags(card: Metadata) -> Iterator[Fault]:
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
        if tag in seen:
            yield Fault(
                f"the tag {quote(tag)} stands here twice", README, item.line, item.column, hint="delete one"
            )
        seen.add(tag)
        why = why_no_id(tag.rpartition(":")[2]) if tag.startswith(_BASE) else None
        if why is not None:
            yield Fault(f"the tag {quote(tag)} {why}", README, item.line, item.column, hint="delete the tag")
