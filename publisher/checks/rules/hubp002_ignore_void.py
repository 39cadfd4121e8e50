"""HUBP002 ignore-void: a comment that should ignore a finding has an unknown code, no code or no reason.

Why   it ignores nothing, and whoever wrote it believes that it does. A reason is asked for because the next reader
      has to know whether it still holds.
Fix   write the code as the finding shows it, and why: `ignore[META011] agreed with our lawyers`.
Bad
README.md:
  ---
  license: mit  # hubpub: ignore[META999] agreed ←
  ---
  <!-- hubpub: ignore[CARD005] --> ←
  [More Information Needed]
Good
README.md:
  ---
  license: mit
  ---
  <!-- hubpub: ignore[CARD005] quotes the template -->
  [More Information Needed]
"""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.observe.ignored import IdleIgnores
from publisher.checks.quoting import quote
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity


@rule(Severity.WARNING)
def ignore_void(idle: IdleIgnores) -> Iterator[Fault]:
    """Report each unknown code, and comments without reason or code."""
    for unknown in idle.unknown:
        yield Fault(
            f"no rule has the code {quote(unknown.code)}, so this comment ignores nothing by it",
            unknown.ignore.path,
            unknown.ignore.line,
            hint="write one code or several, with commas between them: all are in docs/rules.md",
        )
    for ignore in idle.empty:
        what = "reason" if ignore.codes else "code"
        yield Fault(
            f"this comment gives no {what}, so it ignores nothing",
            ignore.path,
            ignore.line,
            hint="hubpub: ignore[CODE] and why",
        )
