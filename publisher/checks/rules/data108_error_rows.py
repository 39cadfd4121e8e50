"""DATA108 error-rows: rows that are no data: error messages, missing texts or labels, labels that are not declared.

Why   a request that failed leaves its message where the answer should be, and a model learns to say it.
Fix   leave such rows out; check what a generator returns before it is written.

Bad
    train.jsonl:
        {"prompt": "the ship", "completion": "the red ship"}
        {"prompt": "the plane", "completion": "Processing error: 429 Too Many Requests"} ←
Bad
    train.jsonl:
        {"prompt": "the ship", "completion": "the red ship"}
        {"prompt": "the plane", "completion": "the white plane"}
        {"prompt": "the harbor", "completion": ""} ←
Good
    train.jsonl:
        {"prompt": "Why does it say Processing error: 429?", "completion": "Error code: 429 means too many requests."}
        {"prompt": "the plane", "completion": "the white plane"}
"""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.observe.rowscan import RowScan
from publisher.checks.quoting import quote
from publisher.checks.rule import Fault, Skip, rule
from publisher.records.findings import Severity

_CERTAIN = frozenset({"an error message in place of data", "a label that is not declared"})
_RARE = 0.5  # what most rows lack, they lack on purpose


@rule(Severity.WARNING)
def error_rows(scan: RowScan) -> Iterator[Fault | Skip]:
    """Report by split, column and kind; what is missing in most rows is left alone."""
    for seen in scan.flawed:
        if seen.what in _CERTAIN or seen.count < _RARE * seen.of:
            yield Fault(
                f"{seen.what} in the column {quote(seen.column)}: {seen.count:,} of {seen.of:,} rows",
                seen.path,
                seen.line,
                hint=f"the first is row {seen.row:,}: leave such rows out",
            )
    for reason in scan.left_out:
        yield Skip(reason)
