"""META015 pipeline-tag-unknown: `pipeline_tag` is none of the Hub's tasks.

Why   the tag chooses the task filter, the widget and the example code; an unknown one chooses none.
Fix   take an id from https://hf.co/tasks, such as `text-generation` or `image-text-to-text`.

Bad
    README.md:
        ---
        license: mit
        pipeline_tag: conversational ←
        ---
Good
    README.md:
        ---
        license: mit
        pipeline_tag: text-generation
        ---
"""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from publisher.checks.known.ids import pipeline_tags
from publisher.checks.observe.readme import README, Metadata
from publisher.checks.quoting import quote
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity

_FORMER = {"conversational": "text-generation", "text2text-generation": "text-generation"}


@rule(Severity.WARNING)
def pipeline_tag_unknown(card: Metadata) -> Iterator[Fault]:
    """Report a tag that is not in the list, former tags with their successor."""
    value = card.get("pipeline_tag")
    if value is None or str(value.data) in pipeline_tags():
        return
    tag = str(value.data)[:60]
    near = [_FORMER[tag]] if tag in _FORMER else get_close_matches(tag, pipeline_tags(), n=1)
    yield Fault(
        f"{quote(tag)} is no task of the Hub",
        README,
        value.line,
        value.column,
        hint=f"pipeline_tag: {near[0]}" if near else "see https://hf.co/tasks",
    )
