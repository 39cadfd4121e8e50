"""META028 date-unquoted: a date of an evaluation result stands without quotes.

Why   YAML reads a bare 2026-05-01 as a date and not as the text that the Hub's format asks for; programs that load the
      file get an object which they cannot write as JSON.
Fix   put it in quotes.

Bad
    .eval_results/gsm8k.yaml:
        - dataset: {id: openai/gsm8k, task_id: default}
          value: 71.2
          date: 2026-05-01 ←
Good
    .eval_results/gsm8k.yaml:
        - dataset: {id: openai/gsm8k, task_id: default}
          value: 71.2
          date: "2026-05-01"
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from publisher.checks.observe.evals import EvalResults
from publisher.checks.quoting import quote
from publisher.checks.rule import Edit, Fault, rule
from publisher.records.findings import Severity

# What YAML 1.1, which most readers speak, takes for a date or a time.
_DATE = re.compile(r"\d{4}-\d\d?-\d\d?(?:[Tt ][\d:.]{5,18} ?(?:Z|[+-]\d{1,2}(?::?\d{2})?)?)?")
_MOST = 20


@rule(Severity.NOTE, fixable=True)
def date_unquoted(results: EvalResults) -> Iterator[Fault]:
    """Report each such date of each file."""
    for file in results.files:
        entries = file.value.items if file.value is not None and isinstance(file.value.items, tuple) else ()
        for entry in entries[:_MOST]:
            date = entry.items.get("date") if isinstance(entry.items, dict) else None
            if date is not None and not date.quoted and _DATE.fullmatch(date.raw):
                yield Fault(
                    f"{quote(date.raw)} is read as a date, not as a text",
                    file.path,
                    date.line,
                    date.column,
                    hint=f'date: "{date.raw}"',
                    edit=Edit(file.path, date.line, f'"{date.raw}"', date.column, date.raw),
                )
