"""LIC078 licence-changed: the licence is another one than that of the release before.

Why   who built on the last release did so under its licence, and updates without reading the card again. What was given
      away under a free licence cannot be called back, but the new files come under the new terms.
Fix   say in the card since which version the new licence holds, or keep the old one.

Bad
    README.md:
        ---
        license: cc-by-nc-4.0 ←
        ---
        # Aerial
    tagged v1.0.0 (earlier release):
        license: apache-2.0
Good
    README.md:
        ---
        license: apache-2.0
        ---
        # Aerial
    tagged v1.0.0 (earlier release):
        license: apache-2.0
"""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.observe.earlier import Earlier
from publisher.checks.observe.readme import README, Metadata
from publisher.checks.quoting import quote
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity


@rule(Severity.WARNING)
def licence_changed(card: Metadata, earlier: Earlier) -> Iterator[Fault]:
    """Compare the ids; a card that gave none before, or gives none now, is for the rule on missing licences."""
    now = card.texts("license")
    before = {licence.casefold() for licence in earlier.licences}
    if now and before and {value.data.casefold() for value in now} != before:
        yield Fault(
            f"the card says {quote(now[0].data)}; {earlier.tag} was released under {quote(', '.join(sorted(before)))}",
            README,
            now[0].line,
            now[0].column,
            hint="say in the card since which version this licence holds",
        )
