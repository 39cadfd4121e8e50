"""CLAIM128 row-count: the card states another number of rows than the data have.

Why   people choose a dataset, and judge a training, by its size.
Fix   write what the files hold, and say whether rows, images or sentences are counted.

Bad
    README.md:
        ---
        dataset_info:
          splits:
          - {name: train, num_examples: 400}
          - {name: test, num_examples: 100}
        ---
        - Number of samples: 1,000 ←
Bad
    README.md:
        The model was fine-tuned on 500 samples. ←
    adapter_config.json:
        {}
    evidence/facts.json:
        {"facts": [
        {"id": "dataset.rows", "value": 480, "status": "known", "source": {"stated": "by hand"}}
        ]}
Good
    README.md:
        ---
        dataset_info:
          splits:
          - {name: train, num_examples: 400}
          - {name: test, num_examples: 100}
        ---
        - Number of samples: 500
        - Test set: 100 samples
        - Sentences: 1,000
Good
    README.md:
        ---
        dataset_info:
          splits:
          - {name: train, num_examples: 16113}
          - {name: test, num_examples: 3084}
        ---
        The dataset contains 16,000 examples for training.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from publisher.checks.observe.claims import Claims, Number
from publisher.checks.observe.readme import README
from publisher.checks.observe.row_counts import RowCounts
from publisher.checks.quoting import quote
from publisher.checks.restate import restated
from publisher.checks.rule import Fault, Skip, rule
from publisher.records.findings import Severity

_ROUND = 0.03  # 16,000 is a fair word for 16,113
_CLOSE = 0.0005  # a row or two of many: the data had a header, or grew


@rule(Severity.WARNING, fixable=True)
def row_count(claims: Claims, rows: RowCounts | None) -> Iterator[Fault | Skip]:
    """Of several stated counts, one that fits any true one excuses the others."""
    stated = [number for number in claims.of("rows") if number.high]
    if not stated:
        return
    if rows is None:
        yield Skip("nothing here tells how many rows there are, so the card's number was not compared")
        return
    if any(_fits(number, count) for number in stated for count in rows.counts):
        return
    number = stated[0]
    counts = " or ".join(f"{count:,}" for count in sorted(rows.counts, reverse=True)[:4])
    yield Fault(
        f"the card says {quote(number.text, 60)}; {rows.source} {counts} rows",
        README,
        number.line,
        number.column,
        hint="write what the data have",
        edit=restated(number, rows.total) if rows.total is not None and len(stated) == 1 else None,
    )


def _fits(number: Number, count: int) -> bool:
    """Whether the text is a fair way to write a count; a dot may part thousands."""
    values = [number.value]
    if re.fullmatch(r"[1-9]\d{0,2}(?:\.\d{3})+", number.digits) and not number.unit:
        values.append(float(number.digits.replace(".", "")))
    return number.agrees(count) or any(
        abs(value - count) <= (_ROUND if value >= 1000 and value % 1000 == 0 else _CLOSE) * count
        for value in values
    )
