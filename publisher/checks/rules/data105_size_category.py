"""DATA105 size-category: `size_categories` is not the size that `dataset_info` counts.

Why   the Hub's filter by size follows the first, readers the second.
Fix   write the category that the hint names.

Bad
    README.md:
        ---
        license: mit
        size_categories: [1K<n<10K] ←
        dataset_info:
          splits:
          - {name: train, num_examples: 500}
        ---
Bad
    README.md:
        ---
        license: mit
        size_categories: [about 500] ←
        ---
Good
    README.md:
        ---
        license: mit
        size_categories: [n<1K]
        dataset_info:
          splits:
          - {name: train, num_examples: 500}
        ---
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from publisher.checks.observe.readme import README, Metadata
from publisher.checks.observe.splits import rows_declared
from publisher.checks.quoting import quote
from publisher.checks.rule import Edit, Fault, rule
from publisher.records.findings import Severity

_STEPS = ("1K", "10K", "100K", "1M", "10M", "100M", "1B", "10B", "100B", "1T")
_CATEGORY = re.compile(rf"n<1K|n>1T|(?:{'|'.join(_STEPS)})<n<(?:{'|'.join(_STEPS)})")
_UNKNOWN = ("unknown", "original", "other")  # older cards


@rule(Severity.WARNING, fixable=True)
def size_category(card: Metadata) -> Iterator[Fault]:
    """Compare where rows are counted: with each configuration and with all of them together."""
    counts = rows_declared(card)
    fitting = {_category(rows) for rows in (*counts, sum(counts))} if counts else set()
    values = card.texts("size_categories")
    for value in values:
        text = value.data.replace(" ", "")
        if text.casefold() in _UNKNOWN:
            continue
        if not _CATEGORY.fullmatch(text):
            hint = f"size_categories: {_category(sum(counts))}" if counts else "such as 1K<n<10K"
            yield Fault(
                f"{quote(value.data)} is no size category", README, value.line, value.column, hint=hint
            )
        elif fitting and not fitting & {other.data.replace(" ", "") for other in values}:
            rows = f"{sum(counts):,}"
            yield Fault(
                f"dataset_info counts {rows} rows, the card says {quote(value.data)}",
                README,
                value.line,
                value.column,
                hint=f"size_categories: {_category(sum(counts))}",
                edit=Edit(README, value.line, _category(sum(counts)), value.column, value.raw)
                if len(values) == 1
                else None,
            )
            return


def _category(rows: int) -> str:
    bounds = [1000 * 10**power for power in range(len(_STEPS))]
    above = next((index for index, bound in enumerate(bounds) if rows < bound), None)
    if above is None:
        return "n>1T"
    return "n<1K" if above == 0 else f"{_STEPS[above - 1]}<n<{_STEPS[above]}"
