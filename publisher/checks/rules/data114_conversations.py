"""DATA114 conversations: some conversations do not take turns, or end before the assistant speaks.

Why   chat templates refuse two turns of one role, and training on the assistant's words finds none.
Fix   join turns of one role, and cut each conversation behind the assistant's last word.

Bad
    train.jsonl:
        {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]}
        {"messages": [{"role": "user", "content": "Who?"}, {"role": "assistant", "content": "Me"}]}
        {"messages": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hi"}]} ←
Good
    train.jsonl:
        {"messages": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]}
        {"messages": [{"role": "user", "content": "2+2?"}, {"role": "assistant", "tool_calls": [{"type": "function"}]}, {"role": "tool", "content": "4"}]}
"""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.observe.rowscan import RowScan
from publisher.checks.quoting import quote
from publisher.checks.rule import Fault, Skip, rule
from publisher.records.findings import Severity

_RARE = 0.5  # where most conversations end with the user they are prompts, and meant to be


@rule(Severity.WARNING)
def conversations(scan: RowScan) -> Iterator[Fault | Skip]:
    """Report by split, column and kind; what holds of most rows is a note."""
    for seen in scan.dialogues:
        rare = seen.count < _RARE * seen.of
        yield Fault(
            f"{quote(seen.column)}: {seen.what}: {seen.count:,} of {seen.of:,} rows",
            seen.path,
            seen.line,
            hint=f"the first is row {seen.row:,}",
            severity=None if rare else Severity.NOTE,
        )
    for reason in scan.left_out:
        yield Skip(reason)
