"""META022 datasets-no-id: an entry of `datasets` is a path, an address or a word such as "custom", not an id.

Why   the Hub links these ids ("Datasets used to train"); what is none becomes a dead link.
Fix   give the dataset's `owner/name`, or describe data that is not on the Hub in the card's text.

Bad
    README.md:
        ---
        license: mit
        datasets:
        - custom ←
        - ./data/train.jsonl ←
        ---
Good
    README.md:
        ---
        license: mit
        datasets: [squad, acme/aerial]
        ---
"""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.known.hub_ids import why_no_id
from publisher.checks.observe.readme import README, Metadata
from publisher.checks.quoting import quote
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity

_NO_NAMES = frozenset(
    {"custom", "synthetic", "private", "proprietary", "internal", "local", "unknown", "n/a"}
)


@rule(Severity.WARNING)
def datasets_no_id(card: Metadata) -> Iterator[Fault]:
    """Report each entry that cannot be the id of a dataset."""
    for value in card.texts("datasets"):
        word = value.data.casefold() in _NO_NAMES
        why = "is a word, not an id" if word else why_no_id(value.data)
        if why is not None:
            yield Fault(
                f"datasets: {quote(value.data)} {why}",
                README,
                value.line,
                value.column,
                hint="owner/name, or leave it out and describe the data in the text",
            )
