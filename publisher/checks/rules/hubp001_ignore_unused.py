"""HUBP001 ignore-unused: a comment ignores a finding that is not there any more.

Why   the fault was mended and the comment stayed: it would hide the next fault of that kind in this place, and readers
      take it for a licence to ignore.
Fix   delete the comment, or the code from its list.
Bad
README.md:
  ---
  license: apache-2.0  # hubpub: ignore[META011] agreed with our lawyers ←
  ---
  # Tiny
Good
README.md:
  ---
  license: Apache 2  # hubpub: ignore[META011] agreed with our lawyers
  ---
  # Tiny
"""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.observe.ignored import IdleIgnores
from publisher.checks.quoting import quote
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity


@rule(Severity.NOTE)
def ignore_unused(idle: IdleIgnores) -> Iterator[Fault]:
    """Report each code whose rule looked and found nothing there."""
    for unused in idle.unused:
        yield Fault(
            f"{unused.code} finds nothing here any more: the comment that ignores it "
            f"({quote(unused.ignore.reason)}) is not needed",
            unused.ignore.path,
            unused.ignore.line,
            hint="delete the comment" if len(unused.ignore.codes) == 1 else f"take {unused.code} out of it",
        )
