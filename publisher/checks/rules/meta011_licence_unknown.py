"""META011 licence-unknown: the licence's id is none that the Hub lists.

Why   filters, badges and licence checks work on the Hub's own ids (`apache-2.0`, not `Apache 2.0`).
Fix   take the id from https://hf.co/docs/hub/repositories-licenses; for a licence that is not listed write
      `license: other` with `license_name` and `license_link`.

Bad
    README.md:
        ---
        license: Apache 2.0 ←
        ---
Good
    README.md:
        ---
        license: apache-2.0
        ---
"""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from publisher.checks.known.ids import licences
from publisher.checks.observe.readme import README, Metadata
from publisher.checks.quoting import quote
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity


@rule(Severity.WARNING)
def licence_unknown(card: Metadata) -> Iterator[Fault]:
    """Report each id that is not in the list; a near one is offered."""
    for value in card.texts("license"):
        if value.data not in licences():
            near = get_close_matches(value.data.lower().replace(" ", "-")[:60], licences(), n=1, cutoff=0.75)
            yield Fault(
                f"{quote(value.data)} is no licence id of the Hub",
                README,
                value.line,
                value.column,
                hint=f"license: {near[0]}" if near else "license: other, with license_name and license_link",
            )
