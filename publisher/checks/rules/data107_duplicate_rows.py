"""DATA107 duplicate-rows: rows of one split stand in another too, or several times in their own.

Why   a test row that was trained on measures memory: every number on such a split is better than the truth.
Fix   take the rows out of the training split; `datasets` has no call for it, a set of hashes does.

Bad
    train.jsonl:
        {"prompt": "Name the ship in the top left.", "completion": "the red ship"}
        {"prompt": "Name the plane below it.", "completion": "the white plane"}
    test.jsonl:
        {"prompt": "Name the ship in the  top left.", "completion": "The red ship"} ←
        {"prompt": "Name the harbor.", "completion": "the harbor in the bottom right"}
Good
    train.jsonl:
        {"prompt": "Name the ship in the top left.", "completion": "the red ship"}
    test.jsonl:
        {"prompt": "Name the harbor.", "completion": "the harbor in the bottom right"}
"""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.observe.datafiles import named_split
from publisher.checks.observe.duplicates import MOST_ROWS, Copies
from publisher.checks.observe.rowscan import RowScan
from publisher.checks.quoting import quote
from publisher.checks.rule import Fault, Skip, rule
from publisher.records.findings import Severity

_WORTH_SAYING = 0.01  # of a split's own rows


@rule(Severity.WARNING)
def duplicate_rows(scan: RowScan) -> Iterator[Fault | Skip]:
    """Report copies between a training split and a held-out one; inside a split it is a note."""
    for copies in scan.copies:
        rows = scan.rows_of[copies.split]
        if copies.split == copies.other:
            if copies.count > _WORTH_SAYING * rows:
                message = f"{copies.count:,} of {rows:,} rows repeat others of their split"
                yield _fault(copies, message, Severity.NOTE)
        elif _leak(copies):
            split, other = quote(copies.split.split), quote(copies.other.split)
            yield _fault(copies, f"{copies.count:,} of {rows:,} rows of {split} stand in {other} too", None)
    for reason in scan.left_out:
        yield Skip(reason)
    if scan.crowded:
        yield Skip(f"rows after the first {MOST_ROWS:,} different ones were compared with those only")


def _leak(copies: Copies) -> bool:
    """Training against held out; `train_sft` and `train_gen` may share what they like."""
    kinds = {named_split(copies.split.split), named_split(copies.other.split)}
    return "train" in kinds and bool(kinds & {"validation", "test"})


def _fault(copies: Copies, message: str, severity: Severity | None) -> Fault:
    first = copies.first
    return Fault(
        message,
        first.path,
        first.line,
        hint=f"the first: row {first.number:,}, as {copies.original}",
        severity=severity,
    )
